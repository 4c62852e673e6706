import type { FoundProgram } from '../servers/debian-program.ts'
import { findNginx } from '../servers/nginx.ts'
import { startBehindNginx } from './behind-nginx.ts'
import { type Finding, findTestssl, judgeTls } from './judge-tls.ts'

/** What testssl.sh blames and is so on purpose, or is so of a certificate that this command made for itself. */
const known: Readonly<Record<string, string>> = {
  cipher_order: 'every cipher that is offered is strong, so the caller takes the one that is fastest there',
  cert_chain_of_trust: 'the certificate is made here, by nobody whom others trust',
  cert_revocation: 'the certificate is made here',
  cert_signatureAlgorithm: 'the certificate is made here',
  cert_notAfter: 'the certificate is made here',
}

const isBlame = ({ severity }: Finding): boolean =>
  ['LOW', 'MEDIUM', 'HIGH', 'CRITICAL', 'FATAL'].includes(severity)

const orEnd = (program: FoundProgram | string): FoundProgram => {
  if (typeof program !== 'string') return program
  console.error(program)
  process.exit(1)
}

const nginx = orEnd(await findNginx())
const testssl = orEnd(await findTestssl())
console.log('testssl.sh looks at the shipped nginx for about two minutes.')
const behind = await startBehindNginx(nginx)
const found = await judgeTls(testssl, behind.ports.https).finally(behind.close)

const show = ({ id, severity, finding }: Finding): string => `${severity.padEnd(8)} ${id}: ${finding}`
const blames = found.filter(isBlame)
const unknown = blames.filter(({ id }) => !(id in known))
for (const blame of blames.filter(({ id }) => id in known))
  console.log(`${show(blame)}\n         known: ${known[blame.id]}`)
console.log(`${found.length} findings, ${blames.length - unknown.length} known, ${unknown.length} unknown`)
for (const blame of unknown) console.error(show(blame))
process.exitCode = unknown.length === 0 && found.length > 50 ? 0 : 1
