import { testProof } from './short.ts'

testProof('restarts-sqlite', 2)
