import { testProof } from './short.ts'

testProof('keys-postgres', 3)
