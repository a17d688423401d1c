// Builds the kernel for this machine's platform and puts it where the package is loaded from without a compiler:
// prebuilds/<platform>-<arch>/vicinal.node. The C++ runtime is linked in, so that it runs where another is installed.
import { copyFileSync, mkdirSync } from 'node:fs'
import { path, run, say } from './process.mjs'
import { ADDON, buildNative } from './setup.mjs'
import { has } from './tools.mjs'

export function prebuild() {
  buildNative()
  // The name that src/native/load.ts looks for.
  const isMusl = process.platform === 'linux' && !process.report.getReport().header.glibcVersionRuntime
  const folder = `prebuilds/${process.platform}-${process.arch}${isMusl ? '-musl' : ''}`
  mkdirSync(path(folder), { recursive: true })
  const target = `${folder}/vicinal.node`
  copyFileSync(path(ADDON), path(target))
  if (process.platform === 'linux' && has('strip'))
    run('stripping the prebuilt kernel', 'strip', ['--strip-unneeded', path(target)])
  say(`prebuilt kernel in ${target}`)
}
