import { createStage } from './bench-reading/stage.js';
import { probeScript } from '../dist/queues/bullmq/probe-script.js';
const stage = await createStage();
const N=60; const names=await stage.fill({queues:N,busyShare:1});
const c=stage.client;
const full=probeScript.replace('spentMax = 2000','spentMax = 2000000');
const variants={plain:full, nogc: "collectgarbage('stop') "+full.replace("return cjson.encode(words)","local r=cjson.encode(words) collectgarbage('restart') return r"), mem: full.replace("return cjson.encode(words)","return tostring(collectgarbage('count'))")};
const args=[Date.now(),1e4,2*N,N,100,...names.flatMap(n=>[`bull:${n}:`,''])];
await c.config('SET','slowlog-log-slower-than','0','slowlog-max-len','100000');
for(let k=0;k<2;k++) for(const [l,s] of Object.entries(variants)){ const sha=await c.script('LOAD',s); await c.slowlog('RESET'); let r; for(let i=0;i<100;i++) r=await c.evalsha(sha,0,...args); const e=(await c.slowlog('GET',-1)).filter(x=>x[3][0]==='evalsha').map(x=>x[2]).sort((a,b)=>a-b); console.log(l,'µs per queue min',(e[0]/N).toFixed(1),'p25',(e[25]/N).toFixed(1),'med',(e[50]/N).toFixed(1),'max',(e.at(-1)/N).toFixed(1), String(r).slice(0,20)); }
await stage.stop();
