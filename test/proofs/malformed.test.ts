import { testProof } from './short.ts'

testProof('malformed', 600)
