import { testProof } from './short.ts'

testProof('kill-postgres', 3)
