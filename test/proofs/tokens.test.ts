import { testProof } from './short.ts'

testProof('tokens', 1)
