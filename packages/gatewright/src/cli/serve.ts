import { basename } from 'node:path'
import { defineCommand } from './command.ts'

/** For the hints of the start. `npx` finds it in node_modules; in the image, and installed for all, it is on PATH. */
const calledAs = (program = ''): string =>
  basename(program) === 'gatewright' && !program.includes('node_modules') ? 'gatewright' : 'npx gatewright'

export const serve = defineCommand({
  name: 'serve',
  summary: 'Starts the server: sign-in and accounts under /auth, without an application behind it.',
  parameters: {},
  options: {},
  example: 'serve',
  run: async () => {
    const { startServer } = await import('../http/serve.ts')
    await startServer({ mount: '/auth', command: calledAs(process.argv[1]) })
    return undefined
  },
})
