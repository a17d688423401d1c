import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EXPECTED_OUTPUT, PROGRAMS } from './consumer.js'
import { ROOT, run, startServer, stopServer, Workplace } from './project.js'

const OTHER_NODES = ['22', '24']
const QUIET = ['--no-audit', '--no-fund', '--loglevel=error']

const workplace = new Workplace()
afterAll(() => workplace.remove())

const pnpm = () => [
  ...[process.execPath, workplace.tool('pnpm', '10.34.9', 'pnpm/bin/pnpm.cjs')],
  ...['--store-dir', join(workplace.folder, 'pnpm-store'), 'add'],
]

/** Yarn 1, which checks engines by default. */
const yarn = () => [
  ...[process.execPath, workplace.tool('yarn', '1.22.22', 'yarn/bin/yarn.js')],
  ...['add', '--non-interactive', '--silent', '--cache-folder', join(workplace.folder, 'yarn-cache')],
]

test('the package has everything to run and to be built, and nothing else', () => {
  const files = run('tar', ['-tzf', workplace.tarball], ROOT).split('\n')
  const platform = `${process.platform}-${process.arch}`
  for (const needed of [
    'dist/index.js',
    'dist/index.d.ts',
    'dist/cli/main.js',
    'native/binding.gyp',
    'native/libstemmer/COPYING',
    `prebuilds/${platform}/vicinal.node`,
  ]) {
    expect(files).toContain(`package/${needed}`)
  }
  expect(files.filter((file) => /package\/(test|src|scripts|bench|native\/(build|test))\//.test(file))).toEqual([])
})

test('the package lists its dependencies, including bundled packages', () => {
  const listed = JSON.parse(run('tar', ['-xzOf', workplace.tarball, 'package/sbom.cdx.json'], ROOT))
  const components = new Map<string, { version: string; licenses?: unknown }>()
  for (const component of listed.components) components.set(component.name, component)
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const { fastify, 'node-snowball': stemmers } = devDependencies
  const shipped = { ...dependencies, fastify, 'node-snowball': stemmers }
  for (const [name, version] of Object.entries(shipped)) expect(components.get(name)).toMatchObject({ version })
  for (const folder of readdirSync(join(ROOT, 'dist/node_modules'))) {
    if (!folder.startsWith('@')) expect(components.has(folder), folder).toBe(true)
  }
  for (const name of ['vitest', 'nan']) expect(components.has(name), name).toBe(false)
  // A path of the machine that made the list has no place in it.
  expect(JSON.stringify(listed)).not.toContain(ROOT)
})

// A strict installer refuses any dependency that needs a newer Node than this package.
describe.each([
  ['npm', () => ['npm', 'install', '--engine-strict', ...QUIET]],
  ['npm --ignore-scripts', () => ['npm', 'install', '--ignore-scripts', ...QUIET]],
  ['pnpm', pnpm],
  ['yarn', yarn],
])('installed by %s', (name, install) => {
  let folder = ''
  beforeAll(() => {
    folder = workplace.project(name.replaceAll(/\W+/g, '-'), install())
  })

  test.each(Object.keys(PROGRAMS))('%s runs a filtered query', (program) => {
    expect(run(process.execPath, [program], folder)).toBe(EXPECTED_OUTPUT)
  })

  test('types resolve from ES modules and CommonJS', () => {
    const typeRoots = join(ROOT, 'node_modules/@types')
    run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', '.', '--typeRoots', typeRoots], folder)
  })

  test('npx vicinal serve answers, and stops cleanly', async () => {
    expect(run('npx', ['--no-install', 'vicinal', '--version'], folder)).toMatch(/^vicinal \d/)
    const bin = join(folder, 'node_modules/.bin/vicinal')
    const { child, url } = await startServer(bin, ['serve', '--port', '0', '--log-level', 'silent'], folder)
    const answer = await fetch(`${url}/collections`)
    expect(await answer.json()).toMatchObject({ status: 'ok', result: { collections: [] } })
    expect(await stopServer(child)).toBe(0)
  })

  // Differences between installers do not depend on the Node version.
  test.each(name === 'npm' ? OTHER_NODES : [])('runs on Node %s', async (version) => {
    const node = workplace.tool('node', version, '.bin/node')
    expect(run(node, ['--version'], folder)).toMatch(new RegExp(`^v${version}\\.`))
    for (const program of Object.keys(PROGRAMS)) expect(run(node, [program], folder)).toBe(EXPECTED_OUTPUT)
    const main = join(folder, 'node_modules/vicinal/dist/cli/main.js')
    const { child, url } = await startServer(node, [main, 'serve', '--port', '0', '--log-level', 'silent'], folder)
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    expect(await stopServer(child)).toBe(0)
  })
})

test('without a kernel for the platform, the error says how to build it', () => {
  const folder = workplace.project('no-kernel', ['npm', 'install', '--ignore-scripts', ...QUIET])
  const kernel = join(folder, `node_modules/vicinal/prebuilds/${process.platform}-${process.arch}/vicinal.node`)
  expect(existsSync(kernel)).toBe(true)
  run('rm', [kernel], folder)
  expect(() => run(process.execPath, ['use.mjs'], folder)).toThrow(/NATIVE_UNAVAILABLE[\s\S]*node-gyp/)
})

test('the stemmers compile from the package alone', () => {
  const folder = workplace.project('stemmers', ['npm', 'install', '--ignore-scripts', ...QUIET])
  expect(existsSync(join(folder, 'node_modules/node-snowball'))).toBe(false)
  const native = join(folder, 'node_modules/vicinal/native')
  const gyp = join(ROOT, 'node_modules/node-gyp/bin/node-gyp.js')
  const headers = [dirname(dirname(process.execPath)), '/usr'].find((at) => existsSync(join(at, 'include/node')))
  run(process.execPath, [gyp, 'configure', '-C', native, ...(headers ? [`--nodedir=${headers}`] : [])], folder)
  run('make', ['-C', join(native, 'build'), 'BUILDTYPE=Release', 'vicinal_stemmers'], folder)
  expect(existsSync(join(native, 'build/Release/vicinal_stemmers.a'))).toBe(true)
})
