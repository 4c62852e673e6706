import type { BrowserContext, Page } from 'playwright-core'
import type { Console } from './start-console.ts'

export type Scene = {
  /** Opens the view and waits until it shows what it is about. */
  readonly show: (console: Console, context: BrowserContext) => Promise<Page>
}
