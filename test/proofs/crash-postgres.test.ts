import { testProof } from './short.ts'

testProof('crash-postgres', 3)
