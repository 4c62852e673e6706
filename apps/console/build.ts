import { build } from 'vite'

/**
 * Builds the console into a folder. Every file that the page asks for has a hash in its name; the page
 * itself keeps two placeholders, which the server fills for each answer: the nonce and the settings.
 */
export const buildConsole = async (folder: string): Promise<void> => {
  await build({
    configFile: false,
    root: import.meta.dirname,
    base: '/console/',
    // Libraries mark their modules for servers that render; rolldown warns of each.
    logLevel: 'error',
    html: { cspNonce: '{{nonce}}' },
    build: {
      outDir: folder,
      emptyOutDir: false,
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      cssCodeSplit: false,
      reportCompressedSize: false,
      target: 'es2023',
    },
  })
}
