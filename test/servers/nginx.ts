import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FoundProgram, findProgram } from './debian-program.ts'
import { startListening } from './program.ts'

/** A proxy on loopback, which tells nobody who sent what. */
export type Nginx = { readonly folder: string; readonly stop: () => Promise<void> }

/** A text says why there is none. */
export const findNginx = (): Promise<FoundProgram | string> =>
  findProgram('nginx', ['nginx', 'libpcre2-8-0', 'libssl3', 'libcrypt1', 'zlib1g'])

const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']

/**
 * Starts it with these `server` blocks, which may use the folder for sockets.
 * @param port one that they listen on, at 127.0.0.1
 */
export const startNginx = async (
  program: FoundProgram,
  { port, servers }: { readonly port: number; readonly servers: (folder: string) => string },
): Promise<Nginx> => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-nginx-'))
  chmodSync(folder, 0o777)
  const file = join(folder, 'nginx.conf')
  const paths = temporary.map(name => `${name}_temp_path ${join(folder, name)};`).join('\n')
  writeFileSync(
    file,
    `daemon off;
master_process off;
pid ${join(folder, 'nginx.pid')};
error_log ${join(folder, 'error.log')};
events {}
http {
${paths}
access_log off;
${servers(folder)}
}
`,
    { mode: 0o644 },
  )
  const args = ['-p', folder, '-e', join(folder, 'error.log'), '-c', file]
  const { stop } = await startListening(program, { args, port })
  return {
    folder,
    stop: async () => {
      await stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
