return 3.99
---
return -3.99
---
return 1e100
---
return 0/0
---
return {1,2,nil,4}
---
return {}
---
return nil
---
return
---
return true
---
return false
---
return {true,false,nil}
---
return {double=3.5}
---
return {double=1e20}
---
return {double=1/0}
---
return {double=0.1}
---
return {map={a=1}}
---
return {set={a=true}}
---
return {big_number='123456789012345678901234567890'}
---
return {verbatim_string={format='txt',string='hello'}}
---
return {verbatim_string={format='m',string='hello'}}
---
return {verbatim_string={format=1,string='hello'}}
---
return {ok='fine'}
---
return {ok='a\r\nb'}
---
return {ok=1}
---
return {err=1}
---
return function() end
---
return {1,function() end,2}
---
return 'a\0b'
---
redis.setresp(3) return true
---
redis.setresp(3) return {true,false}
---
redis.setresp(3) redis.call('hset','k1','f','v') return redis.call('hgetall','k1')
---
redis.setresp(3) redis.call('hset','k1','f','v') return redis.call('hgetall','k1').map.f
---
redis.setresp(3) redis.call('sadd','k1','m') return redis.call('smembers','k1')
---
redis.setresp(3) redis.call('zadd','k1','1.5','m') return redis.call('zscore','k1','m')
---
redis.setresp(3) redis.call('zadd','k1','1.5','m') return redis.call('zscore','k1','m').double*2
---
redis.setresp(3) redis.call('zadd','k1','1.5','m') return redis.call('zrange','k1',0,-1,'withscores')
---
redis.setresp(3) return redis.call('get','nokey')
---
redis.setresp(3) return type(redis.call('get','nokey'))
---
redis.setresp(3) return type(redis.call('lpop','nokey'))
---
return type(redis.call('get','nokey'))
---
return redis.call('get','nokey')
---
return redis.call('blpop','nokey',1)
---
return redis.call('set',KEYS[1],ARGV[1])
---
redis.call('set',KEYS[1],ARGV[1]) return redis.call('get',KEYS[1])
---
return redis.call('set','k1','v').ok
---
redis.call('rpush','k1',1,2.5,1e15,1e16,1e17,1e20,-0.1,1/3,2^53,0.1) return redis.call('lrange','k1',0,-1)
---
redis.call('rpush','k1',1/0,-1/0) return redis.call('lrange','k1',0,-1)
---
return redis.call('incrby','k1',10)
---
return redis.call('incr','k1')+0.5
---
return {redis.call('mget','k1','k2')}
---
redis.call('set','k1','1') return redis.call('mget','k1','k2','k1')
---
return redis.call('ping')
---
return redis.call('ping').ok
---
return redis.call('echo','')
---
return redis.call('type','nokey')
---
return redis.call('exists','nokey')
---
return {KEYS,ARGV,#KEYS,#ARGV}
---
KEYS[3]='x' return #KEYS
---
KEYS=1
---
return ARGV[2]+1
---
return ARGV[3]*2
---
return tostring(1/3)..' '..1e15 ..' '..2^53
---
return tostring(0/0)..tostring(-(0/0))
---
return tostring(1e14)..' '..1e13 ..' '..123456789012345 ..' '..12345678901234
---
return tostring(1/0)..tostring(-1/0)
---
return 0.1 ..''
---
return 100000000000000 ..''
---
return 1e300*1e10 ..''
---
return 5 % 3 ..','.. -5 % 3 ..','.. 5 % -3 ..','.. 5.5 % 2
---
return 2^0.5 ..''
---
return 7/2 ..''
---
return '10'*'2'
---
return -'2'
---
return '0x10'+0
---
return '1e1'+0
---
return ' 5 '+0
---
return 010
---
return 0x10
---
return 1e2
---
return .5*4
---
return tonumber('0x1p4')
---
return tonumber('z',36)
---
return tonumber('1e1')
---
return tonumber('')
---
return tonumber(' 12 ')
---
return tonumber('12a')
---
return tonumber('1_0')
---
return tonumber('ff',16)
---
return tonumber('0xff',16)
---
return tonumber('-ff',16)
---
return tonumber('9',8)
---
return tonumber(nil)
---
return tonumber('inf')
---
return tostring(tonumber('nan'))
---
return tonumber({})
---
return tonumber('0x')
---
return tonumber('1.')
---
return tonumber('.5')
---
return tonumber('.')
---
math.randomseed(3) return math.random()*1e9
---
math.randomseed(4) return {math.random(10),math.random(10),math.random(5,10)}
---
math.randomseed(7) return {math.random(1000000),math.random(1000000),math.random(1000000)}
---
math.randomseed(-7) return {math.random(1000000),math.random(1000000)}
---
return {math.max(1,5,3),math.min(4,2),math.abs(-3),math.floor(-1.5),math.ceil(-1.5),math.sqrt(16),math.pow(2,10),math.fmod(-7,3)}
---
return {tostring(math.modf(3.7)),tostring(select(2,math.modf(-3.75))),tostring(math.frexp(8)),math.ldexp(1,4)}
---
return {tostring(math.log(10)),tostring(math.exp(1)),tostring(math.sin(1)),tostring(math.cos(1)),tostring(math.tan(1)),tostring(math.atan2(1,2)),tostring(math.log10(1000)),tostring(math.deg(1)),tostring(math.rad(180))}
---
return {bit.tobit(0xffffffff),bit.bnot(0),bit.band(12,10),bit.bor(12,10),bit.bxor(12,10),bit.lshift(1,31),bit.rshift(-1,28),bit.arshift(-256,4),bit.rol(0x12345678,12),bit.ror(0x12345678,12),bit.bswap(0x12345678)}
---
return {bit.tohex(1),bit.tohex(-1),bit.tohex(0xffff,4),bit.tohex(255,-8),bit.tohex(1,0),bit.tohex(1,100)}
---
return {bit.tobit(2^40+5),bit.tobit(1.5),bit.tobit(2.5),bit.tobit(-1.5),bit.band('7',3)}
---
return redis.sha1hex(12)
---
return redis.sha1hex('')
---
return redis.REDIS_VERSION
---
return redis.breakpoint()
---
return redis.replicate_commands()
---
return redis.acl_check_cmd('get','k')
---
return {redis.REPL_ALL,redis.REPL_NONE,redis.LOG_WARNING}
---
return collectgarbage()
---
return {type(collectgarbage('count')),type(gcinfo())}
---
return _VERSION
---
return {type(KEYS),type(nil),type(1),type('x'),type(print_ or type)}
---
return {pcall(rawget,{},1)}
---
return {rawequal('a','a'),rawequal({},{}),rawget({5},1),rawset({},'a',7).a}
---
return {next({})}
---
return {next({10})}
---
return {select(2,'a','b','c')}
---
return {select(-1,'a','b','c')}
---
return select('#')
---
return {unpack({1,2,3},2)}
---
return {unpack({1,2,3},2,3)}
---
return {unpack({},1,3)}
---
local t=setmetatable({},{__index=function(t,k) return k..'!' end,__call=function(self,a) return a*2 end,__tostring=function() return 'T' end}) return {t.foo,t(4),tostring(t)}
---
local mt={__add=function(a,b) return 'add' end,__concat=function(a,b) return 'cat' end,__eq=function() return true end,__lt=function() return true end,__le=function() return false end,__unm=function() return 'neg' end,__len=function() return 42 end} local a,b=setmetatable({},mt),setmetatable({},mt) return {a+1,1+a,a..'x','x'..a,a==b,a<b,a<=b,-a}
---
local f=loadstring('return 1+...') return f(2)
---
return {loadstring('return x x')==nil}
---
local n=0 return load(function() n=n+1 if n==1 then return 'return ' elseif n==2 then return '42' end end)()
---
return {pcall(loadstring('error("in")','=chunk'))}
---
return {pcall(loadstring('error("in")'))}
---
return {pcall(loadstring('error("in")','@file.lua'))}
---
local co=coroutine.create(function(a,b) local c=coroutine.yield(a+b) local d,e=coroutine.yield(c*2) return d+e end) return {coroutine.resume(co,1,2),select(2,coroutine.resume(co,10)),select(2,coroutine.resume(co,3,4)),coroutine.status(co),select(2,coroutine.resume(co))}
---
local co=coroutine.create(function() error('oops') end) return {coroutine.resume(co)}
---
local co=coroutine.create(function() error({err='tab'}) end) local ok,e=coroutine.resume(co) return e.err
---
local co co=coroutine.create(function() return coroutine.status(co) end) return {coroutine.status(co),select(2,coroutine.resume(co)),coroutine.status(co)}
---
return {coroutine.running()}
---
local f=coroutine.wrap(function() for i=1,3 do coroutine.yield(i) end end) return {f(),f(),f()}
---
local r={} for i in coroutine.wrap(function() for i=1,3 do coroutine.yield(i) end end) do r[#r+1]=i end return r
---
local a={} for i=1,3 do a[i]=function() return i end end return {a[1](),a[2](),a[3]()}
---
local function counter() local n=0 return function() n=n+1 return n end end local a,b=counter(),counter() a() a() return {a(),b()}
---
local n=1 local function set(v) n=v end pcall(function() set(5) error('x') end) set(n+1) return n
---
local a,b,c=(function() return 1,2,3 end)() local function f() a=a+1 c=c+1 end f() return {a,b,c}
---
local function f(x) local g=function() x=x+1 end g() g() return x end return f(1)
---
for i=1,2 do local g=function() i=i+10 end g() if i~=10+(i-10) then return 'no' end end return 'yes'
---
local t={} for k,v in pairs({a=1}) do local g=function() v=v+1 end g() t[#t+1]=v end return t
---
local function f(...) local a,b=... return select('#',...),a,b end return {f(1,nil,3)}
---
local function f(...) return arg.n end return f(1,2,3)
---
local t={n=0} function t:inc(d) self.n=self.n+d return self end return t:inc(2):inc(3).n
---
local t={a={b={}}} function t.a.b.f(x) return x*2 end return t.a.b.f(21)
---
local i=0 repeat local j=i i=i+1 until j>=3 return i
---
local i=10 while i>0 do i=i-3 if i<5 then break end end return i
---
local s=0 for i=10,1,-3 do s=s*10+i end return s
---
local s=0 for i=1,0 do s=1 end return s
---
local s=0 for i=1,2,0.25 do s=s+1 end return s
---
local x=5 do local x=6 end return x
---
local a,b,c=1 return {a,b==nil,c==nil}
---
local a,b=1,2 a,b=b,a return {a,b}
---
local t={1,2} local i=1 i,t[i]=i+1,20 return {i,t[1],t[2]}
---
return {1 and 2, nil or 3, false and 1 or 4, not nil}
---
return {'a'<'b','a'<'B','Z'<'a','a'<='a','abc'<'abd',''<'a','a\0b'<'a\0c'}
---
return {1==1.0,'1'==1,'a'=='a',nil==false}
---
return #'abc'..#{1,2,3}
---
return {#{1,2,nil,4},#{nil},#{n=1}}
---
local t={} t[1]=1 t[2]=2 t[4]=4 return #t
---
local t={1,2,3} t[#t]=nil return #t
---
local t={} t[2^53]=1 return t[2^53]
---
local t={} t[1.5]=1 t[-1]=2 t[0]=3 return {t[1.5],t[-1],t[0]}
---
local t={[1]='a',[2]='b','c'} return {t[1],t[2]}
---
return "esc\065\10\\\"\'\n\t"
---
return [[
long
string]]
---
return [==[a]]b]==]
---
-- comment
--[[ multi
line ]] return 1
---
return('x'):rep(3)
---
local s="x" return s:upper()..#s
---
return ({10,20})[2]
---
return (select(1,1,2,3))
---
local function f() return 1,2 end return {f(),f()}
---
local function f() return 1,2 end return {(f())}
---
local function f() end return {f()}
---
local function f() end return {f(),1}
---
return {[1]=1,[2]=2,[3]=nil,[4]=4}
---
return getmetatable('').__index==string
---
return {redis.pcall('eval','return 1',0)}
---
local t={} for i=1,300 do t[i]=i end return {unpack(t)}
---
return __redis__err__handler({err='a'}).err
---
return __redis__err__handler('a').err
---
return tostring(type(cjson.null))
---
local a=5 a={a,a} return a
---
local a='x' a={n=a,a} return {a.n,a[1]}
---
local a=2 a=a*a+a return a
---
local a=1 a=a==1 and a+1 or a return a
---
local f=function(x) return x+1 end local a=1 a=f(a)+a return a
---
local a=1 a=a..a..a return a
---
local a={b={c=1}} a=a.b.c return a
---
local a=1 a=(a>0 and {a} or a)[1] return a
---
local a=3 a=-a return a
---
local a=nil a=not a return a
---
local a={1,2,3} a=#a+#a return a
---
local a,b,c=1,2,3 a,b,c=c,a,b return {a,b,c}
---
local t={1,2} t[1],t[2]=t[2],t[1] return t
---
local t,u={},{} t.x,u.y,t[3]=1,2,3 return {t.x,u.y,t[3]}
---
local a,b,c a,b,c=(function() return 1,2 end)() return {a,b,tostring(c)}
---
local a,b a,b=1 return {a,tostring(b)}
---
local a,b=0,0 a,b=1,2,3 return {a,b}
---
local a={} local i=1 i,a[i]=2,20 return {i,a[1],tostring(a[2])}
---
local n=0 local function f() n=n+1 return n end local t={} t[f()],t[f()]=f(),f() return t
---
local a,b=1,2 local function f() return a,b end a,b=b,a return {f()}
---
local function f(a,b) a,b=b,a return a,b end return {f(1,2)}
---
local a=1 local b=a a=2 return {a,b}
---
local a=1 do local a=a+1 a=a+1 end return a
---
local s='' for i=1,3 do for j=1,2 do s=s..i..j..' ' end end return s
---
local function fib(n) if n<2 then return n end return fib(n-1)+fib(n-2) end return fib(15)
---
local function ack(m,n) if m==0 then return n+1 elseif n==0 then return ack(m-1,1) else return ack(m-1,ack(m,n-1)) end end return ack(2,3)
---
local function loop(n) if n==0 then return 'done' end return loop(n-1) end return loop(30000)
---
local function va(...) local t={...} return #t,... end return {va(1,2,3)}
---
local function va(...) return (select('#',...)) end return va(nil,nil)
---
local t={f=function(...) return ... end} return {t.f(1,2),t.f(3,4)}
---
return {(function(...) return ... end)(1,2,3)}
---
local a={} a.b={} a.b.c=function(self,x) return x end return a.b:c(5)
---
if nil then return 1 elseif false then return 2 else return 3 end
---
local t={} for i=1,3 do t[#t+1]=i*i end return t
---
local t={10,20,30,x=1} local n=0 for i,v in ipairs(t) do n=n+i*v end return n
---
local a=0 while true do a=a+1 if a>5 then break end end return a
---
local function outer() local a=1 local function mid() local function inner() a=a+1 return a end return inner() end return mid()+a end return outer()
---
local fs={} for i=1,3 do local j=i fs[i]=function() j=j+1 return j end end return {fs[1](),fs[1](),fs[2](),fs[3]()}
---
local t=setmetatable({},{__newindex=function(t,k,v) rawset(t,k,v*2) end}) t.a=5 t[1]=7 return {t.a,t[1]}
---
local log={} local t=setmetatable({},{__index=function(_,k) log[#log+1]=k return nil end}) local _=t.a t.b=1 return log
---
local a=true and 0 or 1 local b=nil==false return {a,b}
---
return {1 == 1 and 'y' or 'n', 'a' ~= 'b', not (1 > 2), 2 >= 2}
---
return 2^3^2
---
return -2^2
---
return not 1 == 2
---
return 1 .. 2 == '12'
---
return 'a'..'b' == 'ab' and 5
---
local t={[1]=1,2} return t[1]
---
local function f(x) x = x or 5 return x end return {f(),f(1),f(false)}
---
local x x = x or {} x.y = x.y or 3 return x.y
---
local a = {} ; a[1] = a ; return a[1][1] == a
