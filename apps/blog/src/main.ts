import { serve } from 'gatewright/server'
import { blog, mount } from './blog.ts'

await serve({ mount, application: blog })
