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
---
redis.call('set', 'direct', '9007199254740993') return redis.call('incrby', 'direct', 0)
---
redis.call('set', 'direct', '-9007199254740993') return redis.call('incrby', 'direct', 0)
---
redis.call('set', 'direct', '9007199254740991') return redis.call('incrby', 'direct', 1)
---
return redis.call('set', 'direct', 'v')
---
redis.setresp(3) return redis.call('get', 'absent')
---
return redis.call('get', 'absent')
---
return redis.call('echo', 'a\r\nb')
---
return redis.call('echo', '')
---
return (redis.call('echo', 'x'))
---
return redis.call('echo', 'x'), 'y'
---
redis.call('rpush', 'direct-list', 1, 2) return redis.call('lrange', 'direct-list', 0, -1)
---
redis.setresp(3) redis.call('hset', 'direct-hash', 'f', 'v') return redis.call('hgetall', 'direct-hash')
---
if KEYS[1] then return redis.call('incr', 'direct') end return 0
---
for i = 1, 3 do if i == 2 then return redis.call('incrby', 'direct', i) end end
---
local function set() return redis.call('set', 'direct', 'v') end return {type(set()), set().ok, set()}
---
return {type(loadstring("return redis.call('set', 'direct', 'v')")()), loadstring("return redis.call('echo', 'x')")()}
---
return {pcall(function() return redis.call('echo', 'x') end)}
---
return coroutine.wrap(function() return redis.call('set', 'direct', 'v') end)().ok
---
return redis.call('nope')
---

return redis.call()
---
return redis.call({})
