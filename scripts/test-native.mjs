#!/usr/bin/env node
// Builds native/test with g++ (no Node in it) and runs it in variants:
//
//   plain  everything, with the objects of the addon as it was built, with the best instruction set of this machine
//   asan   everything, with AddressSanitizer and UBSan, in two processes: it takes longest
//   tsan   what threads may be at odds in (TEST alone), with ThreadSanitizer, in two as well
//   isa    base, distance, quantize and graph, with the addon's objects, once with each instruction set this machine has
//   arm    the same four for AArch64 under qemu-user (needs g++-aarch64-linux-gnu and qemu-user)
//
// Arguments that name variants choose them; any other selects tests whose names contain it. Objects are kept in
// .cache/native-test and rebuilt when a source, a header or a flag changed. Ends with `native: N passed, N failed`, and
// the line before has the failures.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { availableParallelism, constants, setPriority } from 'node:os'
import { basename, dirname, isAbsolute } from 'node:path'
import { LIBSTEMMER_INCLUDE, stemmerSources } from '../native/stemmers.mjs'
import { testUnitsOf, unitsOf } from '../native/units.mjs'
import { execute, runTests, tellTime } from './native-run.mjs'
import { fail, path, say } from './process.mjs'
import { has } from './tools.mjs'

const FOLDERS = ['base', 'distance', 'quantize', 'graph', 'text', 'filter', 'sparse', 'segment', 'search', 'shard']
/** Folders whose code depends on the instruction set; their tests are named after them. */
const ISA_FOLDERS = ['base', 'distance', 'quantize', 'graph']
/** Compiled by themselves: the one has `main`, and the other replaces functions of the system. */
const HARNESS = ['test/harness.cpp', 'test/refusals.cpp']
const ISA_FLAGS = {
  'distance/isa/avx2.cpp': ['-mavx2', '-mfma', '-mf16c'],
  'distance/isa/avx512.cpp': ['-mavx512f', '-mavx512dq', '-mavx512bw', '-mavx512vl', '-mavx2', '-mfma'],
  'quantize/isa/avx2.cpp': ['-mavx2', '-mfma'],
  'quantize/isa/avx512.cpp': ['-mavx512f', '-mavx512bw', '-mavx512vnni', '-mavx2'],
  'quantize/isa/rabitq_avx2.cpp': ['-mavx2', '-mfma'],
  'quantize/isa/rabitq_avx512.cpp': ['-mavx512f', '-mavx512bw', '-mavx512vnni', '-mavx2'],
}
/**
 * Tests name files beside them, and are included from elsewhere. UBSan does not look at the code of tests: with it they
 * take half as long again to compile.
 */
const flagsOf = (variant, source) => [
  ...variant.flags,
  ...(isOfTests(source) ? ['-I', path('native/test'), ...(variant.testFlags ?? [])] : []),
  ...(ISA_FLAGS[source] ?? []),
]
const isOfTests = (source) => HARNESS.includes(source) || basename(source).startsWith('test-')
const COMMON = [
  ...['-std=c++20', '-ffp-contract=off', '-Wall', '-Wextra', '-Werror'],
  ...['-I', path('native'), '-I', path('native', LIBSTEMMER_INCLUDE)],
]
const X86 = process.arch === 'x64'
const NATIVE_SETS = ['scalar.cpp', ...(X86 ? ['avx2.cpp', 'avx512.cpp'] : process.arch === 'arm64' ? ['neon.cpp'] : [])]

/**
 * Of tests that are linked with the addon's objects: without RTTI, as those. Warnings are found by the other variants; at
 * -O1 alone GCC 12 has false ones.
 */
const ADDON_FLAGS = ['-O1', '-fno-rtti', '-w']
/** Memory and threads can be refused to the kernel (native/test/refusals.cpp). */
const REFUSING = { testFlags: ['-DVICINAL_TEST_REFUSALS'], linkFlags: ['-Wl,--wrap=realloc'] }

/** One library of the addon for each instruction set beyond the first (native/binding.gyp). */
const ADDON_LIBRARIES = X86 ? ['avx2', 'avx512', 'avx512vnni'] : process.arch === 'arm64' ? ['neon'] : []

const VARIANTS = {
  plain: {
    flags: ADDON_FLAGS,
    folders: [],
    sets: [],
    objects: addonObjects,
    ...REFUSING,
    parts: 2,
    runs: [{ env: { VICINAL_TEST_SMALL: '1' } }],
  },
  asan: {
    // ASan sees objects that are too small. UBSan's checks of virtual functions need RTTI, which the addon lacks.
    flags: [
      ...['-O1', '-g1', '-fsanitize=address,undefined', '-fno-sanitize=object-size,vptr'],
      ...['-fno-sanitize-recover=all', '-fno-omit-frame-pointer'],
      // Finds uses of a vector's room beyond its size.
      '-D_GLIBCXX_SANITIZE_VECTOR',
    ],
    folders: FOLDERS,
    sets: NATIVE_SETS,
    ...REFUSING,
    testFlags: [...REFUSING.testFlags, '-fno-sanitize=undefined'],
    parts: 2,
    runs: [{ env: { ASAN_OPTIONS: 'detect_leaks=1', UBSAN_OPTIONS: 'print_stacktrace=1' } }],
  },
  tsan: {
    flags: ['-O1', '-g1', '-fsanitize=thread'],
    folders: FOLDERS,
    leavesOut: (test) => /^\w+_TEST\(/m.test(test) && !/^TEST\(/m.test(test),
    sets: NATIVE_SETS,
    parts: 2,
    // Without address randomisation, which older sanitizer runtimes cannot place their shadow around.
    runs: [{ env: { TSAN_OPTIONS: 'halt_on_error=1' }, prefix: has('setarch') ? ['setarch', '-R'] : [] }],
  },
  isa: {
    flags: ADDON_FLAGS,
    folders: [],
    tests: ISA_FOLDERS,
    sets: [],
    objects: addonObjects,
    runs: (X86 ? availableSets() : ['scalar', 'neon']).map((isa) => ({ env: { VICINAL_ISA: isa } })),
  },
  arm: {
    compiler: 'aarch64-linux-gnu-g++',
    flags: ['-O2', '-static'],
    folders: ISA_FOLDERS,
    tests: ISA_FOLDERS,
    sets: ['scalar.cpp', 'neon.cpp'],
    needs: ['aarch64-linux-gnu-g++', 'qemu-aarch64'],
    // Emulation is some thirty times slower; the tests take smaller sizes.
    runs: [{ env: { VICINAL_TEST_SMALL: '1' }, prefix: ['qemu-aarch64'] }],
  },
}

function availableSets() {
  const cpu = existsSync('/proc/cpuinfo') ? readFileSync('/proc/cpuinfo', 'utf8') : ''
  const sets = ['scalar']
  if (/\bavx2\b/.test(cpu) && /\bfma\b/.test(cpu) && /\bf16c\b/.test(cpu)) sets.push('avx2')
  if (['avx512f', 'avx512dq', 'avx512bw', 'avx512vl'].every((flag) => cpu.includes(flag))) sets.push('avx512')
  return sets
}

const cppOf = (folder) =>
  existsSync(path('native', folder))
    ? readdirSync(path('native', folder))
        .filter((name) => name.endsWith('.cpp'))
        .sort()
        .map((name) => `${folder}/${name}`)
    : []

function sourcesOf(name, variant) {
  const tests = cppOf('test').filter(
    (test) =>
      !HARNESS.includes(test) &&
      (!variant.tests || variant.tests.some((folder) => test.startsWith(`test/${folder}_`))) &&
      !variant.leavesOut?.(readFileSync(path('native', test), 'utf8')),
  )
  return [
    ...variant.folders.flatMap((folder) => unitsOf(folder, path('.cache/native-test/units'))),
    ...(variant.folders.includes('text') ? stemmerSources() : []),
    ...variant.sets.flatMap((name) => [`distance/isa/${name}`, `quantize/isa/${name}`, `quantize/isa/rabitq_${name}`]),
    ...HARNESS,
    ...testUnitsOf(
      tests.map((test) => basename(test)),
      path('.cache/native-test/units', name),
    ),
  ]
}

/** The objects of the addon without its binding to Node: the kernel as it is shipped. */
function addonObjects() {
  const made = (...parts) => path('native/build/Release/obj.target', ...parts)
  const units = readdirSync(path('native/build/units')).filter((name) => !name.startsWith('binding-'))
  return [
    ...units.map((name) => made('vicinal/build/units', name.replace(/cpp$/, 'o'))),
    ...['distance/isa/scalar.o', 'quantize/isa/scalar.o', 'quantize/isa/rabitq_scalar.o'].map((name) =>
      made('vicinal', name),
    ),
    ...[...ADDON_LIBRARIES, 'stemmers'].map((name) => made(`vicinal_${name}.a`)),
  ]
}

/** An object is current when its command is the same and it is newer than all it was made from. */
function isCurrent(object, command) {
  const stamp = `${object}.cmd`
  const dependencies = `${object.slice(0, -2)}.d`
  if (!existsSync(object) || !existsSync(dependencies) || !existsSync(stamp)) return false
  if (readFileSync(stamp, 'utf8') !== command) return false
  const made = statSync(object).mtimeMs
  const files = readFileSync(dependencies, 'utf8')
    .replace(/^[^:]*:/, '')
    .replaceAll('\\\n', ' ')
    .split(/\s+/)
  return files.filter(Boolean).every((file) => (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Infinity) <= made)
}

/** A unit's path is absolute, a source's within native/. */
async function compile(name, variant, source) {
  const isUnit = isAbsolute(source)
  const file = isUnit ? source : path('native', source)
  const title = (isUnit ? basename(source) : source).replaceAll('/', '-')
  const object = path('.cache/native-test', name, title.replace(/\.cpp$|\.c$/, '.o'))
  const isC = source.endsWith('.c')
  const compiler = isC ? 'gcc' : (variant.compiler ?? 'g++')
  const args = [...(isC ? ['-w'] : COMMON), ...flagsOf(variant, source), '-MMD', '-c', file]
  const command = [compiler, ...args].join(' ')
  if (isCurrent(object, command)) return { object }
  mkdirSync(dirname(object), { recursive: true })
  const started = new Date()
  // Renamed when complete, so that two runs at once, or one that was killed, leave no half objects.
  const fresh = `${object.slice(0, -2)}.${process.pid}`
  const built = await execute(compiler, [...args, '-MF', `${fresh}.d`, '-o', `${fresh}.o`])
  if (built.status !== 0) return { object, error: built.output }
  utimesSync(`${fresh}.o`, started, started) // a source changed meanwhile is newer
  renameSync(`${fresh}.d`, `${object.slice(0, -2)}.d`)
  renameSync(`${fresh}.o`, object)
  writeFileSync(`${object}.cmd`, command)
  return { object }
}

/** Runs jobs over all items, as many at once as there are cores. */
async function inParallel(items, job) {
  const results = new Array(items.length)
  let next = 0
  const lane = async () => {
    while (next < items.length) {
      const at = next++
      results[at] = await job(items[at])
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, lane))
  return results
}

async function build(name, variant) {
  const objects = await inParallel(sourcesOf(name, variant), (source) => compile(name, variant, source))
  const broken = objects.filter((object) => object.error)
  if (broken.length > 0) return { error: broken.map((object) => object.error).join('\n') }
  const program = path('.cache/native-test', name, 'native-test')
  const linked = await execute(variant.compiler ?? 'g++', [
    ...variant.flags,
    ...objects.map((object) => object.object),
    ...(variant.objects?.() ?? []),
    '-o',
    `${program}.${process.pid}`,
    ...(variant.linkFlags ?? []),
    '-lpthread',
  ])
  if (linked.status === 0) renameSync(`${program}.${process.pid}`, program)
  return linked.status === 0 ? { program } : { error: linked.output }
}

const inParts = ({ runs, parts = 1 }) =>
  runs.flatMap((run) =>
    Array.from({ length: parts }, (_, part) =>
      parts === 1 ? run : { ...run, env: { ...run.env, VICINAL_TEST_PART: `${part}/${parts}` } },
    ),
  )

async function main(args) {
  const chosen = args.filter((arg) => Object.hasOwn(VARIANTS, arg))
  const filters = args.filter((arg) => !Object.hasOwn(VARIANTS, arg))
  if (!has('g++')) fail('the native tests need g++ (Debian: apt-get install g++)')
  const total = { passed: 0, failed: 0, skipped: 0 }
  const told = { failures: [], unsteady: [] }
  const runs = []
  for (const name of chosen.length > 0 ? chosen : Object.keys(VARIANTS)) {
    const variant = VARIANTS[name]
    const missing = (variant.needs ?? []).filter((tool) => !has(tool))
    if (missing.length > 0) {
      say(`native tests, ${name}: skipped, for this machine has no ${missing.join(' and no ')}`)
      process.stdout.write(`native: ${name} skipped\n`)
      total.skipped++
      continue
    }
    const title = `building the native tests, ${name}`
    say(title)
    const started = performance.now()
    const built = await build(name, variant)
    tellTime(title, ((performance.now() - started) / 1000).toFixed(1))
    if (built.error) {
      say(built.error)
      total.failed++
    } else {
      // Of chosen tests a part may have none.
      runs.push(
        ...(filters.length > 0 ? variant.runs : inParts(variant)).map((run) => ({ name, program: built.program, run })),
      )
    }
  }
  for (const result of await inParallel(runs, (job) => runTests(job.name, job.program, job.run, filters))) {
    total.passed += result.passed
    total.failed += result.failed
    told.failures.push(...result.failures)
    told.unsteady.push(...result.unsteady)
  }
  process.stdout.write(`native: told ${JSON.stringify(told)}\n`)
  const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : ''
  process.stdout.write(`native: ${total.passed} passed, ${total.failed} failed${skipped}\n`)
  process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0
}

// Beside suites that wait for servers and disks it takes what they leave of the processor.
setPriority(constants.priority.PRIORITY_LOW)
await main(process.argv.slice(2))
