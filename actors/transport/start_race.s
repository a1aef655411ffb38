//go:build race

// Functions without a body, as start_race.go has, need a file like this beside them.
