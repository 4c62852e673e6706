import { defineCommand } from './command.ts'

export const serve = defineCommand({
  name: 'serve',
  summary: 'Starts the server: sign-in and accounts under /auth, without an application behind it.',
  parameters: {},
  options: {},
  example: 'serve',
  run: async () => {
    const { startServer } = await import('../http/serve.ts')
    await startServer({ mount: '/auth' })
    return undefined
  },
})
