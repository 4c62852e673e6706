import { serve } from 'gatewright/server'
import { blog, mount } from './blog.ts'

// Only where this file is what was started: `tools/warm-cache.ts` loads it as well.
if (import.meta.main) await serve({ mount, application: blog, command: 'npm run gatewright --' })
