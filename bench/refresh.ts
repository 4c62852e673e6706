import { startContender } from './contender.ts'
import { load } from './wrk.ts'

for (const sessions of process.argv.slice(2)) {
  const s = await startContender({
    name: 'Gatewright',
    file: 'sessions.ts',
    args: [sessions],
    env: { NODE_ENV: 'development', LIMITS_SCALE: '10000', ACCESS_LOG: 'notable', REFRESH_RETRY_WINDOW: '0' },
  })
  for (let i = 0; i < 3; i++)
    console.log(
      sessions,
      await load(s, { script: 'refresh.lua', target: '/auth/refresh', seconds: 3, connections: 64 }),
    )
  await s.stop()
}
