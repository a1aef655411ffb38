// Package conn holds the commands that concern the connection or the node
// itself: PING, HELLO, AUTH, CLIENT, CONFIG, INFO, COMMAND, DEBUG and their kin.
package conn
