import { join } from 'node:path'

/** The top folder of the repository. By itself: some jobs of the workflows install nothing. */
export const top = join(import.meta.dirname, '..')
