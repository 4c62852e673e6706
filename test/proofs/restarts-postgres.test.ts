import { testProof } from './short.ts'

testProof('restarts-postgres', 2)
