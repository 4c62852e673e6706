import { type ServeOptions, serve } from 'gatewright/server'

const load = async (): Promise<ServeOptions> => {
  const { blog, mount } = await import('./blog.ts')
  return { mount, application: blog, command: 'npm run gatewright --' }
}

// Only where this file is what was started: `tools/warm-cache.ts` loads it as well.
if (import.meta.main) await serve(load)
