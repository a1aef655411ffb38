local redis = {call = function(x) return x..'!' end}; redis.call('no'); return redis.call('mine')
---
local KEYS = {'mine'}; return KEYS[1]
---
local function f() local tonumber = tostring; return tonumber(12)..'' end; return {f(), tonumber('7')}
---
KEYS = {}
---
KEYS, ARGV = 1, 2
---
function KEYS() end
---
function redis.call() end
---
redis.call, redis.pcall = 1, 2
---
tonumber = 1
---
string.format = 1
---
KEYS[1] = 'x'; KEYS[#KEYS+1] = 'y'; KEYS.n = 3; return {KEYS[1], KEYS[2], KEYS.n, #KEYS}
---
local function deep() return function() KEYS[3] = 'z'; return #KEYS end end; return deep()()
---
return {_G.KEYS == KEYS, _G.redis.call == redis.call, redis['call'] == redis.call, string.len == ('').len}
---
redis.call('nope')
---
redis.call()
---
redis.call({})
---
redis.pcall('nope') return 1
---
redis.call('set', 'direct', '1') redis.call('incr', 'direct') return redis.call('get', 'direct')
---
redis.call('lpush', 'direct-list', 1) redis.call('incr', 'direct-list') return 1
---
local ok, e = pcall(function() redis.call('nope') end) return {ok, e}
---
local call = redis.call; return call('echo', 'x')
---
for _, f in ipairs({redis.call, redis.pcall}) do f('set', 'direct', 'y') end return redis.call('get', 'direct')
---
return tonumber()
---
return string.rep()
---
return select('#', redis.call('echo', 'x'), redis.call('echo', 'y'))
---
return ipairs()
---
return table.concat({1, {}, 3})
---
return math.floor('x')
---
return redis.call.x
---
return KEYS.x.y
---
KEYS.x.y = 1
---
return redis.sha1hex()
---
return cjson.decode('[')
---
return {next(ARGV), type(KEYS), tostring(nil), (unpack({4, 5})), table.getn(KEYS)}
