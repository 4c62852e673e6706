import { type Compose, networksOf, type Service } from './compose.ts'

/** What every service promises, and the file as a whole, each as one row; each text given is a breach. */
export type ComposeRule = { readonly title: string; readonly check: (compose: Compose) => readonly string[] }

const each =
  (holds: (service: Service, name: string) => boolean) =>
  ({ services }: Compose): readonly string[] =>
    Object.entries(services).flatMap(([name, service]) => (holds(service, name) ? [] : [name]))

/** It runs once and ends: nobody asks how it is. */
const isJob = (name: string): boolean => ['migrate', 'operator'].includes(name)

const holdsSecret = (name: string, value: string): boolean =>
  (/(PASSWORD|SECRET|TOKEN|_KEY|URL)$/.test(name) && value !== '' && !value.startsWith('https://')) ||
  /:\/\/[^/\s]*:[^/\s]*@/.test(value)

export const composeRules: readonly ComposeRule[] = [
  { title: 'a root folder can only be read', check: each(({ read_only }) => read_only === true) },
  {
    title: 'a service has no right of root but what nginx needs to read a key and to become another user',
    check: each(
      ({ cap_drop, cap_add = [] }, name) =>
        cap_drop?.join() === 'ALL' &&
        cap_add.join() === (name === 'nginx' ? 'CHOWN,NET_BIND_SERVICE,SETGID,SETUID' : ''),
    ),
  },
  {
    title: 'no program gives a service more rights than it had',
    check: each(({ security_opt }) => security_opt?.includes('no-new-privileges:true') ?? false),
  },
  {
    title: 'nothing of the machine is shared: no network, no processes, no socket of the engine',
    check: each(
      ({ privileged, network_mode, pid, volumes = [] }) =>
        privileged === undefined &&
        network_mode === undefined &&
        pid === undefined &&
        volumes.every(volume => !/docker\.sock|^\/(:|$)|^\/(etc|proc|sys|var)(:|$)/.test(volume)),
    ),
  },
  {
    title: 'a folder of the machine is mounted to be read only',
    check: each(({ volumes = [] }) =>
      volumes.every(volume => !/^[./$]/.test(volume) || volume.endsWith(':ro')),
    ),
  },
  {
    title: 'memory, processor and processes of a service are bounded',
    check: each(({ mem_limit, cpus, pids_limit }) =>
      [mem_limit, cpus, pids_limit].every(limit => limit !== undefined),
    ),
  },
  {
    title: 'an image that is not built here is named by tag and digest',
    check: each(
      ({ image, build }) =>
        build !== undefined || /^docker\.io\/\S+:[\w.-]+@sha256:[0-9a-f]{64}$/.test(image),
    ),
  },
  {
    title: 'only nginx can be reached from outside, and what holds data has no way out',
    check: compose => [
      ...each(({ ports }, name) => ports === undefined || name === 'nginx')(compose),
      ...each(
        (service, name) =>
          name === 'nginx' ||
          networksOf(service).every(network => compose.networks[network]?.internal === true),
      )(compose),
      ...each((service, name) => name !== 'nginx' || !networksOf(service).includes('data'))(compose),
    ],
  },
  {
    title: 'a port is open on IPv4 alone: over IPv6 the engine would hand all callers on from one address',
    check: each(({ ports = [] }) => ports.every(port => /^\d+(\.\d+){3}:/.test(port))),
  },
  {
    title: 'no secret is a variable: it is a file of those who need it',
    check: each(
      ({ environment = {} }) =>
        !Object.entries(environment).some(([name, value]) => holdsSecret(name, value)),
    ),
  },
  {
    title: 'the server can not change tables: only what migrates has the address of the role that owns them',
    check: each(({ secrets = [] }, name) => isJob(name) || !secrets.includes('database-admin-url')),
  },
  {
    title: 'who has all secrets runs one command of somebody, and is not started with the others',
    check: each(
      ({ secrets = [], profiles }) =>
        !['database-admin-url', 'gatewright-secret'].every(name => secrets.includes(name)) ||
        profiles?.join() === 'operator',
    ),
  },
  {
    title: 'a service is looked after: a health check of its own or of its image, and a start after it ended',
    check: each(
      ({ healthcheck, build, restart }, name) =>
        name === 'operator' ||
        ((isJob(name) || healthcheck !== undefined || build !== undefined) &&
          restart !== undefined &&
          restart !== 'no'),
    ),
  },
  {
    title: 'a service begins when what it needs is well',
    check: ({ services }) =>
      Object.entries(services).flatMap(([name, { depends_on = {} }]) =>
        Object.entries(depends_on).flatMap(([needed, { condition }]) =>
          condition === (isJob(needed) ? 'service_completed_successfully' : 'service_healthy')
            ? []
            : [`${name} needs ${needed}: ${condition}`],
        ),
      ),
  },
  {
    title: 'what a service prints is bounded, or sent away',
    check: each(({ logging }) => logging !== undefined),
  },
]
