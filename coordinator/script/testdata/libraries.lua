return {string.find('hello world','o w')}
---
return {string.find('hello','l+')}
---
return {string.find('hello','(l)(l)')}
---
return {string.find('hello','()ll()')}
---
return {string.find('a.b','.',1,true)}
---
return {string.find('abc','b',-1)}
---
return {string.find('abc','',10)}
---
return {string.find('abc','')}
---
return {string.find('abc','',3)}
---
return {string.match('key=val','(%w+)=(%w+)')}
---
return {string.match('2024-01-02','(%d+)-(%d+)-(%d+)')}
---
return {string.match('  trim  ','^%s*(.-)%s*$')}
---
return {string.match('THE (quick) fox','%((%a+)%)')}
---
return {string.match('THE (quick) fox','%b()')}
---
return {string.match('THE quick','%f[%a]%a+',4)}
---
return {string.match('abcabc','(a)(b)c%1%2')}
---
return {string.match('x','[^%d]')}
---
return {string.match(']','[]]')}
---
return {string.match('a-b','[a%-]+')}
---
return {string.match('a-b','[a-]+')}
---
return {string.match('abc','[a-c]-c')}
---
return {string.match('','^$')}
---
return {string.match('a$','a$')}
---
return {string.match('a$b','a$b')}
---
return {string.match('a\0b','%z')}
---
return {string.gsub('hello','l','L')}
---
return {string.gsub('hello','l','L',1)}
---
return {string.gsub('hello','','-')}
---
return {string.gsub('hello world','%w+','<%0>')}
---
return {string.gsub('hello world','(%w+) (%w+)','%2 %1')}
---
return {string.gsub('abc','%w',{a='1',b=true and '2'})}
---
return {string.gsub('abc','%w',function(c) if c=='b' then return 'X' end end)}
---
return {string.gsub('abc','^a','x')}
---
return {string.gsub('abc','b','%%')}
---
return {string.gsub('abc','b',5)}
---
return {string.gsub('a b c','%s',function() return nil end)}
---
local r={} for k,v in string.gmatch('a=1, b=2','(%w+)=(%w+)') do r[#r+1]=k r[#r+1]=v end return r
---
local r={} for w in ('one two'):gmatch('%a*') do r[#r+1]=w end return r
---
return {string.byte('abc'),string.byte('abc',2),string.byte('abc',-1),string.byte('abc',1,3)}
---
return {string.byte('abc',10),string.byte('',1)}
---
return {string.char(),string.char(72,105)}
---
return {string.sub('hello',2,4),string.sub('hello',-3),string.sub('hello',2),string.sub('hello',0),string.sub('hello',10),string.sub('hello',-100,2),string.sub('hello',3,2)}
---
return {string.upper('aBc1\228'),string.lower('AbC1\196'),string.len('a\0b'),string.reverse('abc'),string.rep('ab',3),string.rep('x',-1),string.rep('x',0)}
---
return {string.format('%5.1f|%q|%x|%s|%i',3.14159,'a\nb\0',255,'z',3.9)}
---
return string.format('%5d|%-5d|%05d|%+d|% d',42,42,42,42,42)
---
return string.format('%d|%d|%i',-3.9,2^53,1e15)
---
return string.format('%x|%X|%#x|%o|%#o|%u',255,255,255,8,8,42)
---
return string.format('%x',-1)
---
return string.format('%e|%E|%.3e|%g|%G|%.3g',12345.678,12345.678,12345.678,1e20,1e-10,0.0001234)
---
return string.format('%g|%g|%g|%g|%g',100000,1000000,0.0001,0.00001,1.5)
---
return string.format('%.14g|%.17g|%.0f|%.20f',0.1,0.1,2.5,0.1)
---
return string.format('%f|%5.2f|%-8.2f|%08.3f|%+.1f',1/3,1/3,1/3,-1/3,1/3)
---
return string.format('%g|%f|%d',1/0,-1/0,0)
---
return string.format('%c%c%c',72,105,33)
---
return string.format('%s|%10s|%-10s|%.2s|%5.1s','abc','abc','abc','abc','abc')
---
return string.format('%s %s',1,2.5)
---
return string.format('%q','a"b\\c\r\n\0d')
---
return string.format('%%|%5s%%','x')
---
return string.format('%.3d|%8.3d|%-8.3d|%.0d',5,5,5,0)
---
return string.format('%#g|%#.3g',1.5,2)
---
return string.format('%s',string.rep('x',200))
---
return string.format('%10.4s|','abcdefgh')
---
return {table.concat({1,2,3}),table.concat({1,2,3},','),table.concat({1,2,3},',',2),table.concat({1,2,3},',',2,3),table.concat({},'x'),table.concat({'a',1.5,'b'},'-')}
---
local t={1,2,3} table.insert(t,4) table.insert(t,1,0) table.insert(t,3,9) return t
---
local t={1,2,3} local a=table.remove(t) local b=table.remove(t,1) return {a,b,#t,t[1]}
---
return {table.remove({}),#{}}
---
local t={5,3,8,1,9,2} table.sort(t) return t
---
local t={5,3,8,1,9,2} table.sort(t,function(a,b) return a>b end) return t
---
local t={'b','a','C','B'} table.sort(t) return t
---
local t={} for i=1,50 do t[i]={k=i%5,i=i} end table.sort(t,function(a,b) return a.k<b.k end) local r={} for i,v in ipairs(t) do r[i]=v.i end return r
---
local t={} for i=1,20 do t[i]=i*7%10 end table.sort(t,function(a,b) return true end) return t
---
return {table.getn({1,2,3}),table.maxn({1,2,[10]=1})}
---
local r={} table.foreach({10,20},function(k,v) r[#r+1]=k*v end) return r
---
return table.foreachi({10,20,30},function(i,v) if v==20 then return i end end)
---
return cjson.encode({1,2,3})
---
return cjson.encode({})
---
return cjson.encode({a=1})
---
return cjson.encode({[1]=1,[2]=2,[4]=4})
---
return cjson.encode('a"b\\c/d\n\t\1\127é')
---
return cjson.encode({1.5,1e20,0.1,1/3,100,-0.5,1e15})
---
return cjson.encode({true,false,cjson.null})
---
return cjson.encode(cjson.null)
---
return cjson.encode(nil)
---
return cjson.encode({[1.5]=1})
---
return cjson.encode({[-1]='x'})
---
return cjson.encode(cjson.decode('[]'))
---
cjson.encode_sparse_array(true) local r=cjson.encode({[100]=1}) cjson.encode_sparse_array(false,2,10) return r
---
return {cjson.encode_sparse_array()}
---
return {cjson.encode_max_depth(),cjson.decode_max_depth(),cjson.encode_number_precision(),cjson.encode_keep_buffer(),cjson.encode_invalid_numbers(),cjson.decode_invalid_numbers()}
---
cjson.encode_number_precision(3) local r=cjson.encode(math.pi) cjson.encode_number_precision(14) return r
---
cjson.encode_invalid_numbers('null') local r=cjson.encode({0/0,1/0}) cjson.encode_invalid_numbers(false) return r
---
cjson.encode_invalid_numbers(true) local r=cjson.encode({1/0,-1/0}) cjson.encode_invalid_numbers('off') return r
---
local j=cjson.new() j.encode_number_precision(3) return {j.encode(math.pi),cjson.encode(math.pi)}
---
return cjson.decode('[1,2,3]')
---
return cjson.decode('{"a":{"b":[1,{"c":"d"}]}}').a.b[2].c
---
return cjson.decode('"\\u00e9\\ud83d\\ude00\\n\\/"')
---
return cjson.decode('"\\u0000"')
---
return {cjson.decode('true'),cjson.decode('null')==cjson.null,cjson.decode('12'),cjson.decode('"x"')}
---
return tostring(cjson.decode('1.5e3'))..tostring(cjson.decode('-0.25'))
---
return tostring(cjson.decode('0x10'))
---
return tostring(cjson.decode('[nan,inf,-inf]')[1])
---
return cjson.decode(' [ 1 , 2 ] ')
---
return cjson.decode('{}')
---
return #cjson.decode('[null,1]')
---
return cjson.decode('{"a":1,"a":2}').a
---
return cmsgpack.pack(1)
---
return cmsgpack.pack({1,2,3},'a',true,false,nil)
---
return cmsgpack.pack(-1,-33,-129,-32769,-2147483649,127,128,255,256,65535,65536,4294967295,4294967296)
---
return cmsgpack.pack(1.5,0.1,1e300,2^63,-2^63)
---
return cmsgpack.pack(string.rep('x',31))..cmsgpack.pack(string.rep('x',32))..cmsgpack.pack(string.rep('x',256))
---
return cmsgpack.pack({a=1})
---
return cmsgpack.pack({})
---
return cmsgpack.pack({[1]=1,[3]=3})
---
local t={} for i=1,20 do t[i]=i end return cmsgpack.pack(t)
---
local t={} local c=t for i=1,20 do c[1]={} c=c[1] end return cmsgpack.pack(t)
---
return {cmsgpack.unpack(cmsgpack.pack(1,'a',{1,{x='y'}},true))}
---
return {cmsgpack.unpack_one(cmsgpack.pack(1,2,3))}
---
return {cmsgpack.unpack_one(cmsgpack.pack(1,2,3),2)}
---
return {cmsgpack.unpack_limit(cmsgpack.pack(1,2,3),2)}
---
return {cmsgpack.unpack_limit(cmsgpack.pack(1,2,3),1,1)}
---
return {cmsgpack.unpack(cmsgpack.pack(-1,-33,-129,-32769,-2147483649,128,65536))}
---
return tostring(cmsgpack.unpack(cmsgpack.pack(0.1)))..tostring(cmsgpack.unpack('\202\63\192\0\0'))
---
return tostring(cmsgpack.unpack(cmsgpack.pack(2^53)))
---
return {cmsgpack.unpack('')}
---
return struct.pack('>I2<I2hHlLbB',1,2,-3,4,-5,6,-7,8)
---
return struct.pack('!4bi',1,2)
---
return struct.pack('!bd',1,2.5)
---
return struct.pack('>d<d>f<f',1.5,1.5,1.5,1.5)
---
return struct.pack('sc3c0','abc','defgh','xyz')
---
return struct.pack('i3I5',-2,1099511627775)
---
return struct.pack('xx b',1)
---
return {struct.unpack('>I2<I2',struct.pack('>I2<I2',258,258))}
---
return {struct.unpack('bBhH',struct.pack('bBhH',-1,255,-2,65535))}
---
return {tostring(struct.unpack('>d',struct.pack('>d',0.1))),tostring(struct.unpack('<f',struct.pack('<f',0.1)))}
---
return {struct.unpack('s','hello\0world')}
---
return {struct.unpack('Bc0',struct.pack('Bc0',3,'abc'))}
---
return {struct.unpack('i3',struct.pack('i3',-2))}
---
return {struct.unpack('b','abc',2)}
---
return {struct.size('i'),struct.size('!bi'),struct.size('bhil'),struct.size('c10'),struct.size('!8bd')}
---
return {struct.unpack('i16',string.rep('\255',16))}
---
return {struct.unpack('c0','',1) }
---
return {pcall(struct.unpack,'i',nil)}
