import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { Alert } from '../../deploy/alerts/alert.ts'
import { alerts } from '../../deploy/alerts/alerts.ts'
import { metricTable } from '../../packages/gatewright/src/http/metrics/metric-table.ts'
import { readPart, top, toTable, withParts } from '../markdown.ts'
import { findPromtool, runPromtool } from '../servers/promtool.ts'

const file = join(top, 'deploy/alerts/gatewright.rules.yml')
const page = 'docs/metrics.md'

const annotationsOf = ({ name, means, do: mend }: Alert) => ({
  summary: means,
  description: mend,
  runbook: `${page}#${name.toLowerCase()}`,
})

/** A text in double quotes is the same in YAML as in JSON. */
const quote = (text: string): string => JSON.stringify(text)

const toRule = (alert: Alert): string => `      - alert: ${alert.name}
        expr: ${quote(alert.expr)}
        for: ${alert.for}
        labels:
          severity: ${alert.severity}
        annotations:
${Object.entries(annotationsOf(alert))
  .map(([name, text]) => `          ${name}: ${quote(text)}\n`)
  .join('')}`

const rules = `# Written from deploy/alerts/alerts.ts by its test (UPDATE_DOCS=1): change that one. docs/metrics.md explains each.
groups:
  - name: gatewright
    rules:
${alerts.map(toRule).join('')}`

if (process.env.UPDATE_DOCS === '1') writeFileSync(file, rules)

test('deploy/alerts/gatewright.rules.yml has the rules of the table (UPDATE_DOCS=1 writes it)', () => {
  assert.equal(readFileSync(file, 'utf8'), rules)
})

test('each rule asks for metrics and labels that there are', () => {
  const known = new Map(metricTable.map(({ name, labels }) => [name, labels]))
  for (const { name, expr } of alerts) {
    const asked = [...expr.matchAll(/\b((?:http|gatewright)_\w+)(?:\{([^}]*)\})?/g)]
    assert.ok(asked.length > 0 || /\bnodejs_/.test(expr), name)
    for (const [, metric = '', selector = ''] of asked) {
      const labels = known.get(metric.replace(/_bucket$/, ''))
      assert.ok(labels, `${name}: ${metric}`)
      for (const [, label = ''] of selector.matchAll(/(\w+)(?:=~|!~|!=|=)"/g))
        assert.ok(labels.includes(label), `${name}: ${metric}{${label}}`)
    }
  }
})

test('docs/metrics.md has the metrics, and what to do about each alert (UPDATE_DOCS=1 writes them)', () => {
  const metrics = toTable(
    ['name', 'type', 'labels', 'what'],
    metricTable.map(({ name, type, labels, help }) => [
      `\`${name}\``,
      type,
      labels.map(label => `\`${label}\``).join(', '),
      help,
    ]),
  )
  const told = alerts
    .map(
      ({ name, expr, for: lasting, severity, means, do: mend }) =>
        `### ${name}\n\n${means}\n\n**What to do.** ${mend}\n\nSeverity \`${severity}\`; told when this holds for ${lasting}:\n\n\`\`\`\n${expr}\n\`\`\``,
    )
    .join('\n\n')
  const markdown = withParts(page, { metrics, alerts: told })
  assert.equal(readPart(markdown, 'metrics').trim(), metrics)
  assert.equal(readPart(markdown, 'alerts').trim(), told)
})

const toSeries = (series: Readonly<Record<string, string>>) =>
  Object.entries(series).map(([name, values]) => ({ series: name, values }))

/** Minutes of a test; a rule that must be told is told at the half. */
const [length, half] = [60, 30]

const toTests = (alert: Alert) => {
  const { name: alertname, fires, quiet, severity } = alert
  const told = { exp_labels: { severity, ...fires.labels }, exp_annotations: annotationsOf(alert) }
  return [
    {
      name: `${alertname} is told`,
      interval: '1m',
      input_series: toSeries(fires.series),
      alert_rule_test: [{ eval_time: `${half}m`, alertname, exp_alerts: [told] }],
    },
    {
      name: `${alertname} is not told`,
      interval: '1m',
      input_series: toSeries(quiet),
      alert_rule_test: Array.from({ length }, (_, minute) => ({ eval_time: `${minute}m`, alertname })),
    },
  ]
}

const promtool = await findPromtool()

describe('promtool', { skip: typeof promtool === 'string' && promtool }, () => {
  if (typeof promtool === 'string') return

  test('takes the rules', async () => {
    const { said, isContent } = await runPromtool(promtool, ['check', 'rules', file])
    assert.ok(isContent, said)
    assert.match(said, new RegExp(`${alerts.length} rules found`))
  })

  test('tells each alert when it should, and never else', async context => {
    const folder = mkdtempSync(join(tmpdir(), 'gatewright-alerts-'))
    context.after(() => rmSync(folder, { recursive: true }))
    const tests = join(folder, 'tests.yml')
    writeFileSync(
      tests,
      // JSON is YAML.
      JSON.stringify({ rule_files: [file], evaluation_interval: '1m', tests: alerts.flatMap(toTests) }),
    )
    const { said, isContent } = await runPromtool(promtool, ['test', 'rules', tests])
    assert.ok(isContent, said)
  })
})
