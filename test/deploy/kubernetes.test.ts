import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, describe, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import type { Deployment } from 'kubernetes-types/apps/v1.d.ts'
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.d.ts'
import type { Job } from 'kubernetes-types/batch/v1.d.ts'
import type {
  ConfigMap,
  Container,
  Namespace,
  PodSpec,
  Secret,
  Service,
  ServiceAccount,
} from 'kubernetes-types/core/v1.d.ts'
import type { LabelSelector } from 'kubernetes-types/meta/v1.d.ts'
import type { Ingress, NetworkPolicy } from 'kubernetes-types/networking/v1.d.ts'
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.d.ts'
import type { Role, RoleBinding } from 'kubernetes-types/rbac/v1.d.ts'
import { parseAllDocuments } from 'yaml'
import {
  type LoadedSettings,
  loadSettings,
  SettingsError,
} from '../../packages/gatewright/src/ground/load-settings.ts'
import { productionErrors } from '../../packages/gatewright/src/ground/production-rules.ts'
import { top } from '../markdown.ts'
import { toWords } from './cluster-rights.ts'

/** The module of `kubernetes-types` that has each kind; one that is not here is not shipped. */
const kinds = {
  Namespace: 'core/v1',
  ConfigMap: 'core/v1',
  Secret: 'core/v1',
  Service: 'core/v1',
  ServiceAccount: 'core/v1',
  Deployment: 'apps/v1',
  Job: 'batch/v1',
  HorizontalPodAutoscaler: 'autoscaling/v2',
  PodDisruptionBudget: 'policy/v1',
  NetworkPolicy: 'networking/v1',
  Ingress: 'networking/v1',
  Role: 'rbac/v1',
  RoleBinding: 'rbac/v1',
} as const
type Kind = keyof typeof kinds

type Manifest = {
  readonly kind: Kind
  readonly apiVersion: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
}

const folder = join(top, 'deploy/kubernetes')
const files = globSync('*.yaml', { cwd: folder }).sort()

const read = (file: string): readonly unknown[] =>
  parseAllDocuments(readFileSync(join(folder, file), 'utf8'), { strict: true, uniqueKeys: true }).map(
    document => {
      assert.deepEqual([document.errors, document.warnings], [[], []], file)
      return document.toJS() as unknown
    },
  )

const manifests = files
  .filter(file => file !== 'kustomization.yaml')
  .flatMap(file => read(file)) as readonly Manifest[]

/** The one of a kind, by its name where there are several. */
const get = <T>(kind: Kind, name?: string): T => {
  const found = manifests.filter(
    one => one.kind === kind && (name ?? one.metadata.name) === one.metadata.name,
  )
  assert.equal(found.length, 1, `${kind} ${name ?? ''}`)
  return found[0] as T
}

const compiled = join(top, 'node_modules/.cache/kubernetes')
mkdirSync(compiled, { recursive: true })
const scratch = mkdtempSync(join(compiled, 'types-'))
const secrets = mkdtempSync(join(tmpdir(), 'gatewright-kubernetes-'))
after(() => {
  for (const path of [scratch, secrets]) rmSync(path, { recursive: true })
})

/** What the compiler says of these objects, each held to the whole type of its kind: one text an error. */
const findTypeErrors = (objects: readonly Manifest[]): Promise<readonly string[]> => {
  const lines = objects.map(
    (object, at) =>
      `export const m${at} = ${JSON.stringify(object)} satisfies import('kubernetes-types/${kinds[object.kind]}.d.ts').${object.kind}`,
  )
  const file = join(scratch, 'manifests.ts')
  writeFileSync(file, lines.join('\n'))
  const options = ['--noEmit', '--strict', '--ignoreConfig', '--skipLibCheck', '--module', 'nodenext']
  const compiler = join(top, 'node_modules/typescript/bin/tsc')
  return new Promise(resolve => {
    execFile(process.execPath, [compiler, ...options, '--target', 'esnext', file], (_, stdout) =>
      resolve(stdout.split('\n').filter(line => /error TS/.test(line))),
    )
  })
}

const podsOf: Readonly<Record<'server' | 'migration', PodSpec | undefined>> = {
  server: get<Deployment>('Deployment').spec?.template.spec,
  migration: get<Job>('Job').spec?.template.spec,
}
const containerOf = (pod: PodSpec | undefined): Container => {
  assert.equal(pod?.containers.length, 1)
  assert.equal(pod?.initContainers, undefined)
  return pod?.containers[0] as Container
}
const server = containerOf(podsOf.server)

/** What the image brings: a setting of it and its file beside it are refused. */
const ofImage = Object.fromEntries(
  [...readFileSync(join(top, 'Dockerfile'), 'utf8').matchAll(/^(?:ENV| {3}) ([A-Z_]+)=(\S+)/gm)].map(
    ([, name, value]) => [name, value],
  ),
)

/** What a pod has in its environment, with the files of secrets where `contents` puts them. */
const environmentOf = (container: Container, contents: Readonly<Record<string, string>>) => {
  const map = container.envFrom === undefined ? {} : get<ConfigMap>('ConfigMap').data
  const mount = `${container.volumeMounts?.find(({ name }) => name === 'secrets')?.mountPath}/`
  for (const [key, text] of Object.entries(contents)) writeFileSync(join(secrets, key), text)
  const own = container.env?.map(({ name, value = '' }) => [name, value.replace(mount, `${secrets}/`)])
  return { ...ofImage, ...map, ...Object.fromEntries(own ?? []) } as Readonly<Record<string, string>>
}

const load = (env: Readonly<Record<string, string>>): LoadedSettings =>
  loadSettings({ env, folder: secrets, isTerminal: false })

const linesOf = (env: Readonly<Record<string, string>>): readonly string[] => {
  try {
    load(env)
    return []
  } catch (error) {
    if (error instanceof SettingsError) return error.lines
    throw error
  }
}

const given = {
  secret: Buffer.from('a secret of 32 bytes for a test ').toString('base64url'),
  'database-url': 'postgres://gatewright_server:words@db.databases:5432/gatewright?sslmode=verify-full',
  'database-admin-url': 'postgres://gatewright_owner:words@db.databases:5432/gatewright?sslmode=verify-full',
  'valkey-url': 'rediss://:words@valkey.databases:6379',
  'smtp-url': 'smtps://accounts:words@smtp.mail:465',
}

const isSelected = (labels: LabelSelector['matchLabels'], of: PodSpec | undefined): boolean => {
  const { metadata } = [get<Deployment>('Deployment'), get<Job>('Job')]
    .map(({ spec }) => spec?.template)
    .find(template => template?.spec === of) ?? { metadata: undefined }
  return Object.entries(labels ?? {}).every(([key, value]) => metadata?.labels?.[key] === value)
}

describe('the Kubernetes manifests', () => {
  test('have the whole types of their kinds, and a word that Kubernetes does not know is found', async () => {
    const wrong: readonly (readonly [Kind, (object: never) => void])[] = [
      ['Deployment', (object: { spec: Record<string, unknown> }) => (object.spec.replicaz = 2)],
      [
        'Service',
        (object: { spec: { ports: { port: unknown }[] } }) =>
          Object.assign(object.spec.ports[0] ?? {}, { port: '80' }),
      ],
      ['Job', (object: { apiVersion: string }) => (object.apiVersion = 'batch/v1beta1')],
    ]
    const broken = wrong.map(([kind, spoil]) => {
      const copy = structuredClone(get<Manifest>(kind))
      spoil(copy as never)
      return copy
    })
    const errors = await findTypeErrors([...manifests, ...broken])
    assert.deepEqual(
      errors.map(line => Number(/\((\d+),/.exec(line)?.[1])),
      broken.map((_, at) => manifests.length + at + 1),
      errors.join('\n'),
    )
  })

  test('are all applied together, but for the secrets and the migration, which come before, and the account of a pipeline', () => {
    const [{ resources }] = read('kustomization.yaml') as readonly [{ readonly resources: readonly string[] }]
    const apart = ['deployer.yaml', 'kustomization.yaml', 'migrate-job.yaml', 'secret.yaml']
    assert.deepEqual([...resources, ...apart].sort(), files)
    const { name } = get<Namespace>('Namespace').metadata ?? {}
    for (const { kind, metadata } of manifests)
      if (kind !== 'Namespace') assert.equal(metadata.namespace, name, metadata.name)
  })

  test('let the namespace refuse whatever needs more than the restricted profile', () => {
    const { labels = {} } = get<Namespace>('Namespace').metadata ?? {}
    assert.equal(labels['pod-security.kubernetes.io/enforce'], 'restricted')
  })

  for (const [name, pod] of Object.entries(podsOf)) {
    const container = containerOf(pod)

    test(`break-in: the ${name} has no root, no capability, no writable system, no token and no more of the machine than its share`, () => {
      assert.deepEqual(pod?.securityContext, {
        runAsNonRoot: true,
        runAsUser: 10001,
        runAsGroup: 10001,
        fsGroup: 10001,
        seccompProfile: { type: 'RuntimeDefault' },
      })
      assert.deepEqual(container.securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      })
      assert.equal(pod?.automountServiceAccountToken, false)
      for (const word of ['hostNetwork', 'hostPID', 'hostIPC', 'hostUsers'] as const)
        assert.equal(pod?.[word], undefined)
      const { requests, limits } = container.resources ?? {}
      for (const share of [requests, limits])
        assert.deepEqual(Object.keys(share ?? {}).sort(), ['cpu', 'memory'])
    })

    test(`the ${name} is of one version, and Kubernetes makes no setting of the name of the Service`, () => {
      assert.match(container.image ?? '', /:\d+\.\d+\.\d+$/)
      assert.equal(pod?.enableServiceLinks, false)
    })

    test(`the ${name} reads its secrets from files that nobody else reads, and no setting holds one`, () => {
      const volume = pod?.volumes?.find(one => one.name === 'secrets')
      assert.equal(volume?.secret?.defaultMode, 0o400)
      assert.ok(container.volumeMounts?.find(one => one.name === 'secrets')?.readOnly)
      const environment = environmentOf(container, given)
      for (const secret of [
        'GATEWRIGHT_SECRET',
        'DATABASE_URL',
        'DATABASE_ADMIN_URL',
        'VALKEY_URL',
        'SMTP_URL',
      ])
        assert.equal(environment[secret] ?? '', '', secret)
      const { stringData = {} } = get<Secret>('Secret', volume?.secret?.secretName)
      const read = container.env?.flatMap(({ value = '' }) =>
        value.startsWith('/run/secrets/') ? [basename(value)] : [],
      )
      assert.deepEqual([...(read ?? [])].sort(), Object.keys(stringData).sort())
    })
  }

  test('least privilege: what serves is given no password of the role that owns the tables, and what migrates no secret', () => {
    assert.ok(!server.env?.some(({ name }) => name.startsWith('DATABASE_ADMIN_URL')))
    const names = containerOf(podsOf.migration).env?.map(({ name }) => name)
    assert.deepEqual(names, ['DATABASE_URL', 'DATABASE_URL_FILE', 'DATABASE_ADMIN_URL_FILE'])
    assert.equal(containerOf(podsOf.migration).envFrom, undefined)
  })

  test('give a server settings that a start takes under production’s rules', () => {
    const { settings, sources } = load(environmentOf(server, given))
    assert.deepEqual(productionErrors(settings, sources), [])
    assert.equal(settings.nodeEnv, 'production')
    assert.equal(settings.trustedProxies.length > 0, true)
    load(environmentOf(containerOf(podsOf.migration), given))
  })

  test('know what the image brings', () => {
    assert.equal(ofImage.DATABASE_URL, 'sqlite:/data/gatewright.db')
  })

  test('the words that stand for secrets stop a start, each with its own line', () => {
    const { stringData = {} } = get<Secret>('Secret', 'gatewright')
    const lines = linesOf(environmentOf(server, stringData))
    for (const name of ['GATEWRIGHT_SECRET', 'DATABASE_URL', 'VALKEY_URL', 'SMTP_URL'])
      assert.equal(lines.filter(line => line.startsWith(name)).length, 1, `${name}: ${lines.join('\n')}`)
    const owner = get<Secret>('Secret', 'gatewright-owner').stringData ?? {}
    assert.equal(linesOf(environmentOf(containerOf(podsOf.migration), owner)).length, 2)
  })

  test('ask the probes of the server: whether it is up, and whether it should get requests', () => {
    const paths = [server.startupProbe, server.livenessProbe, server.readinessProbe].map(
      probe => probe?.httpGet,
    )
    assert.deepEqual(paths, [
      { path: '/healthz', port: 'http' },
      { path: '/healthz', port: 'http' },
      { path: '/readyz', port: 'http' },
    ])
    const { settings } = load(environmentOf(server, given))
    const ports = server.ports?.map(({ name, containerPort }) => [name, containerPort])
    assert.deepEqual(ports, [
      ['http', settings.port],
      ['metrics', settings.metricsPort],
    ])
  })

  test('give a server that is told to stop the time that it takes, after the ingress has heard of it', () => {
    const pause = server.lifecycle?.preStop?.sleep?.seconds ?? 0
    assert.ok(pause >= 5)
    // It ends within 10 s of SIGTERM, whatever hangs.
    assert.ok((podsOf.server?.terminationGracePeriodSeconds ?? 0) >= pause + 10 + 5)
  })

  test('never take a server away before another one is ready, nor all of them for maintenance', () => {
    const { spec } = get<Deployment>('Deployment')
    assert.deepEqual(spec?.strategy?.rollingUpdate, { maxSurge: 1, maxUnavailable: 0 })
    const autoscaler = get<HorizontalPodAutoscaler>('HorizontalPodAutoscaler').spec
    assert.ok((autoscaler?.minReplicas ?? 0) >= 2)
    // Applied again, a number here would undo what the autoscaler decided.
    assert.equal(spec?.replicas, undefined)
    assert.equal(get<PodDisruptionBudget>('PodDisruptionBudget').spec?.maxUnavailable, 1)
  })

  test('name each other rightly', () => {
    const { metadata, spec } = get<Deployment>('Deployment')
    const target = get<HorizontalPodAutoscaler>('HorizontalPodAutoscaler').spec?.scaleTargetRef
    assert.deepEqual([target?.kind, target?.name], ['Deployment', metadata?.name])
    const service = get<Service>('Service')
    for (const labels of [
      spec?.selector.matchLabels,
      service.spec?.selector,
      get<PodDisruptionBudget>('PodDisruptionBudget').spec?.selector?.matchLabels,
      podsOf.server?.topologySpreadConstraints?.[0]?.labelSelector?.matchLabels,
    ]) {
      assert.ok(isSelected(labels, podsOf.server))
      // Else a migration under way would get requests.
      assert.ok(!isSelected(labels, podsOf.migration), JSON.stringify(labels))
    }
    assert.ok(server.ports?.some(({ name }) => name === service.spec?.ports?.[0]?.targetPort))
    const ingress = get<Ingress>('Ingress').spec
    const backend = ingress?.rules?.[0]?.http?.paths[0]?.backend.service
    assert.deepEqual(
      [backend?.name, backend?.port?.name],
      [service.metadata?.name, service.spec?.ports?.[0]?.name],
    )
  })

  test('serve the address of PUBLIC_URL and no other host, by TLS', () => {
    const { tls, rules, defaultBackend } = get<Ingress>('Ingress').spec ?? {}
    const { settings } = load(environmentOf(server, given))
    const { host, protocol } = new URL(settings.publicUrl ?? '')
    assert.deepEqual(
      [protocol, rules?.map(rule => rule.host), tls?.flatMap(one => one.hosts)],
      ['https:', [host], [host]],
    )
    assert.equal(defaultBackend, undefined)
  })

  test('let nothing in and nothing out but what is named', () => {
    const policy = (name: string) => get<NetworkPolicy>('NetworkPolicy', name).spec
    assert.ok(isDeepStrictEqual(policy('nothing'), { podSelector: {}, policyTypes: ['Ingress', 'Egress'] }))
    const { podSelector, ingress } = policy('requests') ?? {}
    assert.ok(isSelected(podSelector?.matchLabels, podsOf.server))
    assert.ok(!isSelected(podSelector?.matchLabels, podsOf.migration))
    const { egress, podSelector: asking } = policy('what-it-asks') ?? {}
    for (const pod of Object.values(podsOf)) assert.ok(isSelected(asking?.matchLabels, pod))
    for (const [rule, sides] of [
      ...(ingress ?? []).map(rule => [rule, rule.from] as const),
      ...(egress ?? []).map(rule => [rule, rule.to] as const),
    ]) {
      assert.ok((rule.ports?.length ?? 0) > 0, 'every rule names its ports')
      for (const side of sides ?? [undefined])
        assert.ok(Object.keys(side?.namespaceSelector?.matchLabels ?? {}).length > 0, 'and the namespace')
    }
    for (const url of [given['database-url'], given['valkey-url'], given['smtp-url']]) {
      const port = Number(new URL(url).port)
      assert.ok(
        egress?.some(rule => rule.ports?.some(one => one.port === port)),
        String(port),
      )
    }
  })

  test('let cert-manager answer the authority: its pod is reached through the ingress, and by nobody else', () => {
    const policies = manifests.filter(({ kind }) => kind === 'NetworkPolicy') as readonly NetworkPolicy[]
    const solver = { 'acme.cert-manager.io/http01-solver': 'true' }
    const [policy, ...others] = policies.flatMap(({ spec }) =>
      isDeepStrictEqual(spec?.podSelector.matchLabels, solver) ? [spec] : [],
    )
    assert.equal(others.length, 0)
    const { ingress: [requests] = [] } = get<NetworkPolicy>('NetworkPolicy', 'requests').spec ?? {}
    assert.deepEqual(policy?.ingress, [{ from: requests?.from, ports: [{ port: 8089 }] }])
    for (const pod of Object.values(podsOf)) assert.ok(!isSelected(solver, pod))
  })

  test('least privilege: a pipeline has an account of its own, bound to its role, and no pod runs as it', () => {
    const { metadata, rules = [] } = get<Role>('Role')
    const { subjects, roleRef } = get<RoleBinding>('RoleBinding')
    const { name, namespace } = metadata ?? {}
    assert.deepEqual(roleRef, { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name })
    assert.deepEqual(subjects, [{ kind: 'ServiceAccount', name, namespace }])
    assert.equal(get<ServiceAccount>('ServiceAccount', name).automountServiceAccountToken, false)
    for (const pod of Object.values(podsOf)) assert.notEqual(pod?.serviceAccountName, name)
    const given = toWords(rules)
    assert.doesNotMatch(given.join('\n'), /\*|secrets|pods|escalate|bind|impersonate/)
    const names = given.flatMap(word => word.split('/')[1] ?? [])
    assert.deepEqual(
      [...new Set(names)],
      [get<Deployment>('Deployment').metadata?.name, get<Job>('Job').metadata?.name],
    )
  })
})
