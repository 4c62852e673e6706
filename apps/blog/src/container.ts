import { type ServeOptions, serve } from 'gatewright/server'

/** The blog in its image (Dockerfile), where the command line is on PATH and npm is not. */
const load = async (): Promise<ServeOptions> => {
  const { blog, mount } = await import('./blog.ts')
  return { mount, application: blog, command: 'gatewright' }
}

if (import.meta.main) await serve(load)
