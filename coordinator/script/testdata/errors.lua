return foo
---
return redis.call('get')
---
error('x')
---
error({err='MY err'})
---
return redis.call('incr','a','b')
---
return redis.pcall('nope')
---
local a=nil; return a.b
---
return a.b
---
redis.call=1
---
x=1
---
function x() end
---
return getmetatable(redis)
---
_G.x=1
---
setmetatable(_G,{})
---
rawset(_G,'x',1)
---
table.insert(_G,1)
---
return redis.call()
---
return redis.call({})
---
return redis.pcall()
---
return redis.pcall('set','a',true)
---
local x = 1 + nil
---
local t={} return t.x.y
---
nofn()
---
local s='a' return s+1
---
local s='a' return 1+s
---
local n return #n
---
return {} < {}
---
return 1 < 'x'
---
return nil < 1
---
return nil..'a'
---
local q return 'a'..q
---
return ('x'):bad()
---
string.rep()
---
return redis.status_reply(1)
---
return redis.error_reply(1)
---
for i=1,'x' do end
---
for i={},2 do end
---
local function f() return f()+1 end return f()
---
redis.log(1)
---
redis.log('a','b')
---
redis.log(7,'b')
---
redis.setresp(5)
---
redis.setresp()
---
return redis.sha1hex()
---
return load('x')
---
return coroutine.wrap(function() error('q') end)()
---
redis.set_repl(9)
---
redis.set_repl()
---
return redis.acl_check_cmd('nope')
---
table.sort({3,1,'x'})
---
table.sort({{},{}})
---
return unpack({},1,1e8)
---
return {pcall(redis.call,'nope')}
---
return {select(2,pcall(error,{err='x'}))}
---
error()
---
return print
---
return #arg
---
return os
---
return require
---
return getfenv
---
local t=nil t.x=1
---
local t={} t[nil]=1
---
local t={} t[0/0]=1
---
local t={a={}} t.a.b()
---
local t={} t.m()
---
local t={} t:m()
---
local n return -n
---
return 1 .. {}
---
return KEYS.x.y
---
return setmetatable({},{__index=function() error('in') end}).x
---
error('x',0)
---
error('x',2)
---
redis.call('set','a')
---
local function f() error('deep') end
f()
---
local function f()
  error('deep', 2)
end
f()
---
return string.format('%d','3.5')
---
return string.format('%d')
---
return string.format('%d','x')
---
return string.format('%y',1)
---
return math.floor('x')
---
return table.concat({1,{},3})
---
return string.find('a','[a')
---
return string.find('a','%')
---
return string.find('a','(a')
---
return string.find('a','a)')
---
return string.gsub('a','a','%2')
---
return ipairs()
---
return setmetatable(1,{})
---
return coroutine.yield()
---
return select(0)
---
return string.char(256)
---
local a a=1 a()
---
assert(false)
---
assert(nil,'msg')
---
assert(false,{1})
---
return {pcall(error,'a',0)}
---
return {pcall(error)}
---
return {xpcall(function() error('a') end, function(e) return 'h:'..e end)}
---
return tonumber()
---
return tonumber('1',99)
---
return tostring()
---
return type()
---
return rawget(1,2)
---
return next({},'nokey')
---
return {pcall(function() local x=nil; return x.y end)}
---
return {pcall(function() redis.call('nope') end)}
---
local ok, e = pcall(redis.call,'lpush','k1') return e
---
redis.call('set','k1','x') return redis.call('lpush','k1','y')
---
redis.call('set','k1','x') return redis.pcall('lpush','k1','y')
---
redis.call('set','k1','x') local e=redis.pcall('lpush','k1','y') return {type(e), e.err}
---
redis.call('set','k1','x') local ok,e=pcall(redis.call,'lpush','k1','y') return {type(e), e}
---
redis.call('set','k1','x') local e=redis.pcall('lpush','k1','y') error(e)
---
return redis.error_reply('My')
---
return redis.error_reply('-My x')
---
return redis.error_reply('My Err')
---
return redis.error_reply('')
---
return {err='foo'}
---
return {err='My foo\r\nbar\n'}
---
return {1,{err='ERR in'},3}
---
#!lua name=x
return 1
---
#!lua flags=foo
return 1
---
#!python
return 1
---
#!lua
---
#!lua flags=no-writes,allow-oom x
return 1
---
#!lua flags=no-writes
return #KEYS
---
#!lua
return foo
---
string.gsub('abc','b',function() error('cb') end)
---
table.foreach({1},function() error('cb') end)
---
cjson.decode('[1,2')
---
cjson.decode('{"a" 1}')
---
cjson.decode('{"a":1,}')
---
cjson.decode('[1,]')
---
cjson.decode('nope')
---
cjson.decode('"\\x"')
---
cjson.decode('"\\ud800"')
---
cjson.decode('"abc')
---
cjson.decode('')
---
cjson.decode('1 2')
---
cjson.encode()
---
cjson.encode({[{}]=1})
---
cjson.encode(print or tostring)
---
cjson.encode(0/0)
---
cjson.encode({[100]=1})
---
cjson.encode_max_depth(0)
---
cjson.encode_max_depth(1,2)
---
cjson.encode_max_depth(2) local ok,e=pcall(cjson.encode,{{{}}}) cjson.encode_max_depth(1000) return e
---
cmsgpack.pack()
---
cmsgpack.unpack('\221\255\255\255\255')
---
cmsgpack.unpack('\193')
---
cmsgpack.unpack_one('\1',5)
---
cmsgpack.unpack_one('\1',-5)
---
struct.pack('i33',1)
---
struct.pack('!3i',1)
---
struct.pack('q',1)
---
struct.pack('i')
---
struct.pack('c5','abc')
---
struct.unpack('i','abc')
---
struct.unpack('c0','abc')
---
struct.unpack('s','abc')
---
struct.unpack('i','abcd',0)
---
struct.size('s')
---
struct.size('i99999999999')
---
bit.band({})
---
bit.tobit('x')
---
bit.lshift(1)
