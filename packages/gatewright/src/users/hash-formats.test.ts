import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readHash } from './hash-formats.ts'
import { type Password, parsePassword } from './password.ts'
import { createPasswordHasher, type PasswordHash } from './password-hasher.ts'

const text = 'correct horse battery staple'
const right = parsePassword(text)
const wrong = parsePassword(`${text}r`)
const other = 'pässwörd ☕ of a café'

/** Made by the programs themselves: Werkzeug 3.1.9, Django 5.2.17, bcrypt 5.0.0 for Python. */
const made = {
  'scrypt of Werkzeug':
    'scrypt:32768:8:1$bgbP711UERhtdWIQ$194b0205781d4e0a7f520fdc5e67190189e8a6a67ac805761ace2d546a44d8857b11af5a89c4994e1a26130691bed5d76e1e9327e26413de9d65eaea9438de35',
  'scrypt of Werkzeug with other costs':
    'scrypt:1024:4:2$Eu7PkWVzca5JAk66$bf0480c1fd986dcb54a7ae3077ced7ff0737ad040fcc6d9b6eecc0d6dbcf74ea0b641c10cc6b93eb62fec88523e224eafffc1d83748154a7b24c31c3810428ba',
  'PBKDF2 of Werkzeug':
    'pbkdf2:sha256:1000000$MJRaqYCwVuNezLat$15f00c8670dfe426a19c7b81ce3bd7b614da48b74b2fb0ba15ac60839e710283',
  'PBKDF2 of Werkzeug with SHA-1':
    'pbkdf2:sha1:1000$1U46MYQFGsAH1dUh$6b85a6a16c5e32aecaa2b1bcae087926aa950f95',
  'PBKDF2 of Werkzeug with SHA-512':
    'pbkdf2:sha512:1000$3KJguMZ28bp8kXGW$6fc04636e29373ff18e9be7bbe198d4c21217b6b76b0ad86b35e17359772e9cf14c5a719db209c1107d74a4c4bb4ad38fbdd00d9f05da44a25861483a7aae0b3',
  'PBKDF2 of Django':
    'pbkdf2_sha256$1000000$fBSdpGAt9Eln0z7AAbAaHa$9zquRVwPoPium8r1PJOpxEtbG3gpR/X9OvBziYC3FUI=',
  'PBKDF2 of Django with SHA-1': 'pbkdf2_sha1$1000000$lnz5KCpWh26OlF9SOXeNzG$HnTNLAAaLrqX29WALW1CmGpk42A=',
  'scrypt of Django':
    'scrypt$16384$5LWj6uGEWlUcWR7iniBw7q$8$5$EPC9YHGZGy4FrP2pj2FwbPuMGmEGLTBljaS4/sfNN/pdAgan/F8JM/7T6VHzif+0JGEj88tCw98ZHY0b4Z4r6g==',
  'bcrypt 2b': '$2b$12$7PNjJAjVBG8c/76hS51D9e.1lRbYzC2SYn62DNmpGhbWeisC/p4oq',
  'bcrypt 2a': '$2a$05$1xdrPjf05M9i0V3io1wsAe4E7uDW17m3HpusjR84crGBzDOPlGoN.',
  'bcrypt 2y': '$2y$05$1xdrPjf05M9i0V3io1wsAe4E7uDW17m3HpusjR84crGBzDOPlGoN.',
} as const satisfies Record<string, string>

/** Of a password that is not ASCII. */
const madeOfOther = {
  'PBKDF2 of Werkzeug':
    'pbkdf2:sha256:1000$NrddYLAY1OHiNWZ7$7c3c047b5b2171dcc77fccd099e07a4bf8d54ce66b0237f10a4229feb51247c5',
  'scrypt of Django':
    'scrypt$16384$Fke0JImUs0xFzQViKCRxLJ$8$5$A8Mut3/1aLT1NB1kRHxVbYvNEnBH+r6Oas3sWV9E6J0SIx91ZVVssRZNrfm1A1qkzzbnuyCLfCNSbjmmoVxWDw==',
  bcrypt: '$2b$05$McFYRhpyIMMwJ9oTkQQRie7qdsiQjgIAEox82xVx0UqGNlXK142/u',
}

/** bcrypt of 72 times `a`. */
const bcryptOf72 = '$2b$05$fmWKlu1XXzORA13btb27rOBeetChkQyWzmMgvu301fLLPcWCQx0d6' as PasswordHash

const hasher = createPasswordHasher({ threads: 3, maxWaiting: 500 })

const isFalseForOneHash = async (password: Password, stored: string): Promise<void> => {
  const before = hasher.count()
  assert.equal(await hasher.verify(password, stored as PasswordHash), false)
  assert.equal(hasher.count() - before, 1)
}

describe('a hash that was made elsewhere', () => {
  for (const [what, stored] of Object.entries(made)) {
    test(`opens to the right password only, and is made anew: ${what}`, async () => {
      assert.equal(await hasher.verify(wrong, stored as PasswordHash), false)
      assert.equal(await hasher.verify(right, stored as PasswordHash), true)
      assert.equal(hasher.needsRehash(stored as PasswordHash, right), true)
    })
  }

  for (const [what, stored] of Object.entries(madeOfOther))
    test(`opens to a password that is not ASCII, however its accents are typed: ${what}`, async () => {
      assert.equal(await hasher.verify(parsePassword(other), stored as PasswordHash), true)
      assert.equal(await hasher.verify(parsePassword(other.normalize('NFD')), stored as PasswordHash), true)
    })
})

describe('bcrypt, which looks at 72 bytes', () => {
  test('is not opened by fewer', async () => {
    assert.equal(await hasher.verify(parsePassword('a'.repeat(71)), bcryptOf72), false)
  })

  test('is opened by more, but then not made anew: a slip behind them would become the password', async () => {
    assert.equal(await hasher.verify(parsePassword(`${'a'.repeat(72)}, and a slip`), bcryptOf72), true)
    assert.equal(hasher.needsRehash(bcryptOf72, parsePassword(`${'a'.repeat(72)}, and a slip`)), false)
    assert.equal(hasher.needsRehash(bcryptOf72, parsePassword('a'.repeat(72))), true)
    assert.equal(hasher.needsRehash(bcryptOf72, parsePassword('é'.repeat(37))), false)
  })

  test('is never opened by a password with a NUL, where others may have stopped', async () => {
    const password = parsePassword(`${'a'.repeat(72)}\0`)
    await isFalseForOneHash(password, bcryptOf72)
  })
})

describe('a planted hash costs one of ours and opens nothing', () => {
  const { 'scrypt of Werkzeug': scryptHash, 'PBKDF2 of Django': django, 'bcrypt 2b': bcryptHash } = made
  const { 'scrypt of Django': djangoScrypt, 'PBKDF2 of Werkzeug': werkzeug } = made
  const planted = {
    'bcrypt of cost 31': bcryptHash.replace('$12$', '$31$'),
    'bcrypt of cost 15': bcryptHash.replace('$12$', '$15$'),
    'bcrypt of cost 3': bcryptHash.replace('$12$', '$03$'),
    'bcrypt of the flawed kind 2x': bcryptHash.replace('$2b$', '$2x$'),
    'bcrypt with a bit to spare': bcryptHash.replace(/.$/, 'r'),
    'bcrypt that goes on': `${bcryptHash}.`,
    'bcrypt with a line end': `${bcryptHash}\n`,
    'scrypt that asks for 2 GiB': scryptHash.replace('32768:8:1', '2097152:8:1'),
    'scrypt that asks for 256 MiB': scryptHash.replace('32768:8:1', '2097152:1:1'),
    'scrypt that asks for 128 MiB by its p': scryptHash.replace('32768:8:1', '2:1:1048576'),
    'scrypt whose N is too large for its r': scryptHash.replace('32768:8:1', '65536:1:1'),
    'scrypt that asks for 256 MiB by its r': scryptHash.replace('32768:8:1', '2:524288:1'),
    'scrypt that asks for much time': scryptHash.replace('32768:8:1', '32768:8:9'),
    'scrypt whose N is no power of two': scryptHash.replace('32768:8:1', '32767:8:1'),
    'scrypt whose N is 1': scryptHash.replace('32768:8:1', '1:8:1'),
    'scrypt whose r is 0': scryptHash.replace('32768:8:1', '32768:0:1'),
    'scrypt without costs': scryptHash.replace(':32768:8:1', ''),
    'scrypt of Django that asks for much': djangoScrypt.replace('$16384$', '$4194304$'),
    'PBKDF2 of three million': django.replace('$1000000$', '$3000000$'),
    'PBKDF2 of no iterations': django.replace('$1000000$', '$0$'),
    'PBKDF2 of MD5': django.replace('pbkdf2_sha256', 'pbkdf2_md5'),
    'PBKDF2 of a digest that is a word of JavaScript': werkzeug.replace('sha256', 'constructor'),
    'PBKDF2 without its iterations': werkzeug.replace(':1000000', ''),
    'PBKDF2 with a number in other digits': django.replace('1000000', '１000000'),
    'PBKDF2 without a salt': django.replace(/\$fBSd[^$]+\$/, '$$$$'),
    'PBKDF2 with another spelling of its output': django.replace(/FUI=$/, 'FUJ='),
    'PBKDF2 with half of its last byte': werkzeug.slice(0, -1),
    "Django's mark of an unusable password": '!abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN',
    'MD5 of Django': 'md5$abc$0123456789abcdef0123456789abcdef',
    'plain text': text,
  }
  for (const [what, stored] of Object.entries(planted))
    test(what, async () => {
      assert.equal(readHash(stored), undefined)
      await isFalseForOneHash(right, stored)
    })

  test('an output that is a part of the right one', async () => {
    const short = werkzeug.slice(0, -8) as PasswordHash
    assert.equal(await hasher.verify(right, short), false)
  })
})
