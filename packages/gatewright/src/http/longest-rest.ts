import { second } from '../ground/clock.ts'

/** So long a connection may rest between two requests. It stands alone: the parent of workers loads no server. */
export const longestRest = 72 * second
