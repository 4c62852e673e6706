/*
 * For `npm ci`: loads what `npm start` loads, and does nothing with it, so that the very first start finds
 * it compiled. Where it can't run (see node-runs.sh), the first start takes longer, and nothing else.
 */
import '../apps/blog/src/main.ts'
import '../apps/blog/src/blog.ts'
import '../packages/gatewright/src/http/start-server.ts'
import '../packages/gatewright/src/workers/supervise.ts'
