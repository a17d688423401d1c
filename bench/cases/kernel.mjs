// The kernel alone beside C++ hnswlib, one process, no Node: see kernel/kernel_bench.cpp. It is linked from the
// objects of the addon, so what is measured is what is shipped.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { path } from '../../scripts/process.mjs'
import { BENCH, dataset, runFolder } from '../lib/datasets.mjs'

const BUILD = path('native/build/Release')
const OBJECTS = join(BUILD, 'obj.target/vicinal')
/** Debian's package, and the copy that comes with hnswlib-node. */
const HNSWLIB = { debian: '/usr/include', bundled: join(BENCH, 'node_modules/hnswlib-node/src') }
const MOST_OUTPUT_BYTES = 1 << 24

export async function kernel({ data, limit }) {
  const set = dataset(data, limit)
  const { include, source } = hnswlib()
  const program = build(include)
  const metric = set.distance === 'Cosine' ? 'cosine' : 'l2'
  const text = execFileSync(program, [set.base, set.queriesFile, set.truth, metric], {
    encoding: 'utf8',
    maxBuffer: MOST_OUTPUT_BYTES,
  })
  return { ...JSON.parse(text), hnswlibSource: source }
}

function hnswlib() {
  const isThere = (folder) => existsSync(join(folder, 'hnswlib/hnswlib.h'))
  if (!isThere(HNSWLIB.debian) && process.getuid?.() === 0) {
    spawnSync('apt-get', ['install', '-y', '--no-install-recommends', 'libhnswlib-dev'], { stdio: 'ignore' })
  }
  return isThere(HNSWLIB.debian)
    ? { include: HNSWLIB.debian, source: 'libhnswlib-dev' }
    : { include: HNSWLIB.bundled, source: 'hnswlib-node' }
}

function build(include) {
  mkdirSync(runFolder(), { recursive: true })
  const program = join(runFolder(), 'kernel_bench')
  const source = join(BENCH, 'kernel/kernel_bench.cpp')
  const object = `${program}.o`
  // The system's own folder is searched anyway, and naming it hides the C++ library's.
  const includeFlags = include === HNSWLIB.debian ? [] : ['-isystem', include]
  const flags = [
    '-std=c++20',
    '-O3',
    '-march=native',
    '-I',
    path('native'),
    ...includeFlags,
    '-c',
    source,
    '-o',
    object,
  ]
  execFileSync('g++', flags, { stdio: 'inherit' })
  const objects = readdirSync(OBJECTS, { recursive: true })
    .filter((name) => name.endsWith('.o') && !name.startsWith('binding'))
    .map((name) => join(OBJECTS, name))
  const isaLibraries = readdirSync(BUILD)
    .filter((name) => /vicinal_\w+\.a$/.test(name))
    .map((name) => join(BUILD, name))
  execFileSync('g++', [object, ...objects, ...isaLibraries, '-lpthread', '-o', program], { stdio: 'inherit' })
  return program
}
