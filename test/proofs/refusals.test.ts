import { testProof } from './short.ts'

testProof('refusals', 300)
