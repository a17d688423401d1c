// Each distance kernel beside the machine's load bandwidth: see kernel/micro_bench.cpp. Of no data set.
import { compileProgram, runProgram } from '../lib/kernel-program.mjs'

export const micro = () => runProgram(compileProgram('micro_bench'), [])
