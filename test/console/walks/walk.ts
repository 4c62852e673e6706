import type { BrowserContext, Page } from 'playwright-core'
import type { Console } from '../start-console.ts'

/** A view as it is shown now, by a name of its own. */
type Stop = readonly [name: string, page: Page]

/**
 * Goes from view to view as a person does, and stops at each. Whoever looks at one leaves it in English, as
 * wide as it was, and presses nothing.
 */
export type Walk = (console: Console, context: BrowserContext) => AsyncGenerator<Stop>
