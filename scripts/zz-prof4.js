import { createStage } from './bench-reading/stage.js';
import { probeScript } from '../dist/queues/bullmq/probe-script.js';
const stage = await createStage();
await stage.fill({queues:10,busyShare:1});
const c=stage.client;
const head=probeScript.slice(0,probeScript.indexOf("for i = 6, #ARGV, 2 do"));
async function time(label, body, n=500){ const t=[]; const script=head+`for r=1,${n} do ${body} words={} end return 1`; for(let i=0;i<15;i++){ const s=process.hrtime.bigint(); await c.eval(script,0,Date.now(),1e9,1e9,1,100,'bull:queue-1:',''); t.push(Number(process.hrtime.bigint()-s)/1e3/n);} t.sort((a,b)=>a-b); console.log(label.padEnd(40), t[0].toFixed(2), 'µs'); }


const P="local p='bull:queue-1:'";
console.log(await c.keys('bull:queue-1:*'));
console.log(await c.lrange('bull:queue-1:wait',0,-1), await c.hgetall('bull:queue-1:6'), await c.object('ENCODING','bull:queue-1:6'));
await time('HGET direct', "redis.call('HGET','bull:queue-1:6','name')");
await time('HGET ask concat', P+" ask('HGET',p..'6','name')");
await time('nameOf', P+" nameOf(p,'6')");
await time('LRANGE 20', P+" ask('LRANGE',p..'wait',-20,-1)");
await time('LRANGE 4', P+" ask('LRANGE',p..'active',-4,-1)");
await time('HMGET3', P+" ask('HMGET',p..'6','pb', 'processedOn', 'name')");
await time('HMGET3 active', P+" ask('HMGET',p..'2','pb', 'processedOn', 'name')");
await time('ZRANGE', P+" ask('ZRANGE',p..'prioritized',0,0)");
await stage.stop();
