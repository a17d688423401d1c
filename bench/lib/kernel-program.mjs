// C++ programs of kernel/, linked from the objects of the addon, so the shipped code is measured.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { path } from '../../scripts/process.mjs'
import { BENCH, runFolder } from './datasets.mjs'

const BUILD = path('native/build/Release')
const OBJECTS = join(BUILD, 'obj.target/vicinal')
const MOST_OUTPUT_BYTES = 1 << 24

/** Debian's package, and the copies that come with hnswlib-node. */
const DEBIAN = '/usr/include'
const BUNDLED = [join(BENCH, 'node_modules/hnswlib-node/src'), path('node_modules/hnswlib-node/src')]

/** Compiles and links kernel/NAME.cpp; the path of the program. */
export function compileProgram(name, include = hnswlib().include) {
  mkdirSync(runFolder(), { recursive: true })
  const program = join(runFolder(), name)
  const object = `${program}.o`
  // The system's own folder is searched anyway, and naming it hides the C++ library's.
  const includes = include === DEBIAN ? [] : ['-isystem', include]
  const flags = ['-std=c++20', '-O3', '-march=native', '-fopenmp-simd', '-I', path('native'), ...includes]
  const source = join(BENCH, 'kernel', `${name}.cpp`)
  execFileSync('g++', [...flags, '-c', source, '-o', object], { stdio: 'inherit' })
  execFileSync('g++', [object, ...addonObjects(), '-lpthread', '-o', program], { stdio: 'inherit' })
  return program
}

/** Compiles a program that has nothing of the addon in it; the path of the program. */
export function compileAlone(source) {
  mkdirSync(runFolder(), { recursive: true })
  const program = join(runFolder(), basename(source, '.cpp'))
  if (!existsSync(program)) execFileSync('g++', ['-std=c++20', '-O2', join(BENCH, source), '-o', program])
  return program
}

/** Its output, parsed as JSON. */
export function runProgram(program, args) {
  return JSON.parse(execFileSync(program, args.map(String), { encoding: 'utf8', maxBuffer: MOST_OUTPUT_BYTES }))
}

function addonObjects() {
  // Objects of units that are no more stay behind, so units are asked for their names.
  const units = readdirSync(path('native/build/units')).filter(
    (name) => name.endsWith('.cpp') && !name.startsWith('binding-'),
  )
  const objects = [
    ...units.map((name) => join('build/units', `${basename(name, '.cpp')}.o`)),
    ...readdirSync(OBJECTS, { recursive: true }).filter((name) => /\/isa\/\w+\.o$/.test(name)),
  ].map((name) => join(OBJECTS, name))
  const isaLibraries = readdirSync(BUILD)
    .filter((name) => /vicinal_\w+\.a$/.test(name))
    .map((name) => join(BUILD, name))
  return [...objects, ...isaLibraries]
}

const isThere = (folder) => existsSync(join(folder, 'hnswlib/hnswlib.h'))

/** `isBundled`: the copy in the lock file, which is there without any download. */
export function hnswlib(isBundled = false) {
  if (isBundled) return { include: bundledHnswlib(), source: 'hnswlib-node' }
  if (!isThere(DEBIAN) && process.getuid?.() === 0) {
    spawnSync('apt-get', ['install', '-y', '--no-install-recommends', 'libhnswlib-dev'], { stdio: 'ignore' })
  }
  return isThere(DEBIAN)
    ? { include: DEBIAN, source: 'libhnswlib-dev' }
    : { include: bundledHnswlib(), source: 'hnswlib-node' }
}

const bundledHnswlib = () => BUNDLED.find(isThere) ?? BUNDLED[0]
