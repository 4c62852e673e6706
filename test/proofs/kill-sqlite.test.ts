import { testProof } from './short.ts'

testProof('kill-sqlite', 3)
