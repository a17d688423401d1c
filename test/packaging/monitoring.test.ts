/** The files of deploy/ for Prometheus and Grafana, against the metrics of a running service and against promtool. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { open } from '../../src/index.js'
import { serve } from '../unit/cli/process.js'
import { ROOT } from './project.js'

interface Rule {
  alert: string
  expr: string
  annotations: { summary: string; runbook: string; runbook_url?: string }
}

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const { groups } = parse(read('deploy/alerts.yml')) as { groups: { rules: Rule[] }[] }
const rules = groups.flatMap((group) => group.rules)
const dashboard = JSON.parse(read('deploy/grafana.json')) as {
  panels: { title: string; targets: { expr: string }[] }[]
  templating: { list: { type: string; query: string | { query: string } }[] }
}

function promtool(args: string[], input?: string) {
  const { status, stdout, stderr } = spawnSync('promtool', args, {
    cwd: ROOT,
    encoding: 'utf8',
    ...(input ? { input } : {}),
  })
  return { status, told: stdout + stderr }
}

/** Names of metrics in an expression: words that are neither functions, nor labels, nor strings. */
function metricsIn(expr: string): string[] {
  const bare = expr
    .replace(/"[^"]*"/g, '')
    .replace(/\{[^}]*\}/g, ' ')
    .replace(/\[[^\]]*\]/g, ' ')
    .replace(/\b(?:by|on|without|ignoring)\s*\([^)]*\)/g, ' ')
  return [...bare.matchAll(/[a-z_]\w*(?!\w)(?!\s*\()/g)]
    .map(([name]) => name)
    .filter((name) => !['and', 'or', 'by', 'label_values'].includes(name))
}

/** Of a service that has done a bit of everything: a collection with a graph, recall that was measured, and a failure. */
async function scraped(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'vicinal-metrics-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const db = await open(join(folder, 'data'))
  const made = await db.createCollection('a', { vectors: { size: 8, distance: 'Cosine' } })
  const vector = (id: number) => Array.from({ length: 8 }, (_, at) => Math.sin(id * (at + 1)))
  await made.upsert(
    Array.from({ length: 6_000 }, (_, id) => ({ id, vector: vector(id), payload: { even: id % 2 === 0 } })),
  )
  await made.waitForIndex()
  await db.close()
  const { url } = await serve(
    ['--data', 'data', '--memory-limit', '4GiB', '--slow-query-ms', '0', '--audit-log', 'audit'],
    folder,
  )
  const ask = (path: string, body: unknown, method = 'POST') =>
    fetch(url + path, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  const filter = { must: [{ key: 'even', match: { value: true } }] }
  const text = async () => {
    for (let at = 0; at < 20; at++) {
      await ask('/collections/a/points/query', { query: vector(at + 0.5), limit: 5, ...(at % 2 ? { filter } : {}) })
    }
    await ask('/collections/a/points?wait=true', { points: [{ id: 1, vector: vector(1) }] }, 'PUT')
    await ask('/collections/a/flush', {})
    return await (await fetch(`${url}/metrics`)).text()
  }
  // Recall is measured and disks are looked at in the background.
  let seen = ''
  const later = async () => {
    seen = await text()
    return ['collection_recall{', 'collection_filtered_recall{', 'collection_disk_bytes{'].filter(
      (name) => !seen.includes(name),
    )
  }
  await expect.poll(later, { timeout: 240_000, interval: 500 }).toEqual([])
  return seen
}

test('promtool accepts the metrics, and every query of dashboard and alerts names metrics that there are', async () => {
  const text = await scraped()
  expect(promtool(['check', 'metrics'], text)).toEqual({ status: 0, told: '' })
  // Made by Prometheus.
  const known = new Set(['up', ...[...text.matchAll(/^([a-z_]+)[{ ]/gm)].map(([, name]) => name)])
  const queries = [
    ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    ...dashboard.templating.list.flatMap(({ query }) =>
      typeof query === 'object' ? (/\((\w+),/.exec(query.query)?.[1] ?? '') : [],
    ),
    ...rules.map(({ expr }) => expr),
  ]
  expect(queries.length).toBeGreaterThan(30)
  for (const query of queries) {
    expect(metricsIn(query), query).not.toEqual([])
    expect(
      metricsIn(query).filter((name) => !known.has(name)),
      query,
    ).toEqual([])
  }
})

test('promtool accepts the alerts: each fires on its own trouble and is silent without it', () => {
  expect(promtool(['check', 'rules', 'deploy/alerts.yml'])).toMatchObject({ status: 0 })
  expect(promtool(['test', 'rules', 'deploy/alerts.test.yml'])).toMatchObject({ status: 0 })
  const tests = parse(read('deploy/alerts.test.yml')) as {
    tests: { alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[]
  }
  const tried = (fires: boolean) =>
    tests.tests
      .flatMap((one) => one.alert_rule_test)
      .flatMap(({ alertname, exp_alerts }) => (exp_alerts.length > 0 === fires ? alertname : []))
  for (const fires of [true, false]) expect(new Set(tried(fires))).toEqual(new Set(rules.map(({ alert }) => alert)))
})

test('each alert leads to a section that says what to do', () => {
  const sections = new Map(
    read('docs/alerts.md')
      .split(/^## /m)
      .slice(1)
      .map((section) => [`docs/alerts.md#${section.split('\n')[0]?.toLowerCase()}`, section]),
  )
  expect(rules.map(({ annotations }) => annotations.runbook).sort()).toEqual([...sections.keys()].sort())
  // Grafana makes a link of `runbook_url`, and a path is none.
  for (const { annotations } of rules)
    expect(URL.canParse(annotations.runbook_url ?? 'https://none.example')).toBe(true)
  for (const [, section] of sections) expect(section).toMatch(/^1\. /m)
})
