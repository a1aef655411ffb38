package settings

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/troupedb/troupe/gateway/session"
)

// outputClasses are the names of the classes of clients in the order of their
// limits.
var outputClasses = [...]string{
	session.ClassNormal:  "normal",
	session.ClassReplica: "slave",
	session.ClassPubSub:  "pubsub",
}

// outputLimits is client-output-buffer-limit: "<class> <hard> <soft> <seconds>"
// for any classes; the others stay.
type outputLimits struct{}

func (outputLimits) parse(now value, text string) (value, string) {
	args := strings.Split(text, " ")
	if text == "" || len(args)%4 != 0 {
		return value{}, "Wrong number of arguments in buffer limit configuration."
	}
	limits := readOutputLimits(now.text)
	for ; len(args) > 0; args = args[4:] {
		class := outputClass(args[0])
		if class < 0 {
			return value{}, "Invalid client class specified in buffer limit configuration."
		}
		hard, okHard := parseMemory(args[1])
		soft, okSoft := parseMemory(args[2])
		seconds, err := strconv.Atoi(args[3])
		if !okHard || !okSoft || err != nil || seconds < 0 {
			return value{}, "Error in hard, soft or soft_seconds setting in buffer limit configuration."
		}
		limits[class] = session.OutputLimit{Hard: hard, Soft: soft, SoftSeconds: seconds}
	}
	return value{text: outputText(limits)}, ""
}

func outputClass(name string) int {
	name = strings.ToLower(name)
	if name == "replica" {
		name = "slave"
	}
	for class, n := range outputClasses {
		if n == name {
			return class
		}
	}
	return -1
}

func outputText(limits [3]session.OutputLimit) string {
	parts := make([]string, len(limits))
	for class, l := range limits {
		parts[class] = fmt.Sprintf("%s %d %d %d", outputClasses[class], l.Hard, l.Soft, l.SoftSeconds)
	}
	return strings.Join(parts, " ")
}

// readOutputLimits reads what outputText has written; an empty text is no limits.
func readOutputLimits(text string) (limits [3]session.OutputLimit) {
	args := strings.Fields(text)
	for class := range limits {
		if len(args) < 4*(class+1) {
			break
		}
		hard, _ := parseMemory(args[4*class+1])
		soft, _ := parseMemory(args[4*class+2])
		seconds, _ := strconv.Atoi(args[4*class+3])
		limits[class] = session.OutputLimit{Hard: hard, Soft: soft, SoftSeconds: seconds}
	}
	return limits
}
