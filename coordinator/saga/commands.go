package saga

import "slices"

// Commands are all commands that span shards.
func Commands() []Command {
	return slices.Concat(
		bitmapCommands,
		broadcastCommands,
		genericCommands,
		groupCommands,
		setCommands,
		stringCommands,
		transactionCommands,
		evalCommands,
		listCommands,
		watchCommands,
		zsetCommands,
	)
}
