// Package placement says which member should own which shard: Plan is a pure
// function from members and shards to the moves that are worth making, the same
// ones for the same arguments, whatever their order.
//
// In this order of weight: no shard stays with a member that leaves or is gone;
// members that are up have the same number of shards, give or take one; no more
// moves are made for that than must be, so a member that joins is given its share
// and nothing else changes hands; the shards left over by the division are spread
// over zones in proportion to their members; and where the load still differs by
// more than LoadSlack, and by enough to be worth a move, shards are exchanged, which
// keeps the numbers even. What a member that is down owns stays its own: it has the
// only copy of the data.
package placement
