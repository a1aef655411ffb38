package catalog

import (
	"crypto/sha1"
	"encoding/hex"
	"slices"

	troupev1 "github.com/troupedb/troupe/proto/troupe/v1"
)

// set takes all settings of the entry, or none. Whether the values make sense is for
// the proposer to know: every node takes what is here.
func (s *State) set(e *troupev1.CatalogSettings) Result {
	created, next := map[string]bool{}, map[string]int{} // the lengths
	for _, v := range s.settings {
		next[v.name] = len(v.value)
	}
	for _, v := range e.GetSettings() {
		name := string(v.GetName())
		next[name] = len(v.GetValue())
		switch {
		case name == "":
			return refuse(Malformed)
		case len(name) > MaxSettingName || len(v.GetValue()) > MaxSettingValue:
			return refuse(TooLarge)
		}
		if _, ok := s.findSetting(name); !ok {
			created[name] = true
		}
	}
	bytes := 0
	for name, length := range next { // the order is not seen
		bytes += len(name) + length
	}
	if len(s.settings)+len(created) > MaxSettings || bytes > MaxSettingBytes {
		return refuse(TooManySettings)
	}
	r := same()
	for _, v := range e.GetSettings() {
		value := setting{string(v.GetName()), string(v.GetValue())}
		i, ok := s.findSetting(value.name)
		switch {
		case !ok:
			s.settings = slices.Insert(s.settings, i, value)
		case s.settings[i] == value:
			continue
		}
		s.settings[i] = value
		r = changed()
		s.settingsEpoch = s.epoch + 1
	}
	return r
}

// loadScript keeps a script under its digest.
func (s *State) loadScript(e *troupev1.CatalogScriptLoad) Result {
	if len(e.GetBody()) > MaxScript {
		return refuse(TooLarge)
	}
	digest := sha1.Sum(e.GetBody())
	sha := hex.EncodeToString(digest[:])
	i, ok := s.findScript(sha)
	if ok {
		return same()
	}
	bytes := len(e.GetBody())
	for _, v := range s.scripts {
		bytes += len(v.body)
	}
	if len(s.scripts) >= MaxScripts || bytes > MaxScriptBytes {
		return refuse(TooManyScripts)
	}
	s.scripts = slices.Insert(s.scripts, i, script{sha, string(e.GetBody())})
	s.scriptsEpoch = s.epoch + 1
	return changed()
}

// flushScripts empties the library. That is a change even if it is empty: nodes have
// scripts of their own to drop.
func (s *State) flushScripts() Result {
	s.scripts = nil
	s.scriptsEpoch, s.flushEpoch = s.epoch+1, s.epoch+1
	return changed()
}
