import { testProof } from './short.ts'

testProof('keys-sqlite', 3)
