const { Redis } = require('ioredis');
const assert = require('node:assert');

async function main() {
  const port = Number(process.argv[2]);
  const redis = new Redis({ port, host: '127.0.0.1' });
  await redis.flushall();
  assert.strictEqual(await redis.set('a', '1'), 'OK');
  assert.strictEqual(await redis.incrby('a', 41), 42);
  assert.deepStrictEqual(await redis.mget('a', 'none'), ['42', null]);
  await redis.hset('h', { f: '1', g: '2' });
  assert.deepStrictEqual(await redis.hgetall('h'), { f: '1', g: '2' });

  const piped = await redis.pipeline(Array.from({ length: 500 }, (_, i) => ['set', `p:${i}`, i])).exec();
  assert.ok(piped.length === 500 && piped.every(([err, v]) => err === null && v === 'OK'));

  const tx = await redis.multi().set('x', 1).incr('x').lpush('x', 'wrong').get('x').exec();
  assert.deepStrictEqual(tx.map(([err, v]) => (err ? err.message.split(' ')[0] : v)), ['OK', 2, 'WRONGTYPE', '2']);

  await redis.watch('x');
  const other = redis.duplicate();
  await other.set('x', 'changed');
  assert.strictEqual(await redis.multi().set('x', 'lost').exec(), null);

  redis.defineCommand('move', {
    numberOfKeys: 2,
    lua: `local v = redis.call('GET', KEYS[1]); redis.call('RPUSH', KEYS[2], v, ARGV[1]); return redis.call('LRANGE', KEYS[2], 0, -1)`,
  });
  assert.deepStrictEqual(await redis.move('x', 'moved', 'and more'), ['changed', 'and more']);

  const seen = new Set();
  for await (const keys of redis.scanStream({ match: 'p:*', count: 50 })) keys.forEach((k) => seen.add(k));
  assert.strictEqual(seen.size, 500);

  const sub = redis.duplicate();
  await sub.subscribe('news');
  await sub.psubscribe('n*');
  const heard = [];
  const done = new Promise((resolve) => {
    sub.on('message', (channel, text) => heard.push([channel, text]) === 2 && resolve());
    sub.on('pmessage', (pattern, channel, text) => heard.push([pattern, channel, text]) === 2 && resolve());
  });
  assert.strictEqual(await redis.publish('news', 'hello'), 2);
  await done;
  assert.deepStrictEqual(heard, [['news', 'hello'], ['n*', 'news', 'hello']]);

  const blocked = other.blpop('queue:1', 'queue:2', 0);
  await redis.rpush('queue:2', 'job');
  assert.deepStrictEqual(await blocked, ['queue:2', 'job']);
  const buffers = await redis.getBuffer('a');
  assert.ok(Buffer.isBuffer(buffers));
  await Promise.all([redis.quit(), sub.quit(), other.quit()]);
  console.log('done');
}

main().catch((err) => { console.error(err); process.exit(1); });
