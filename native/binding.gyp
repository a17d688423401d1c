{
  # Sources are found by folder, so a new file needs no edit here. Files of isa folders are built once for each
  # instruction set, each as a library of its own, so that no other code gets instructions the processor may lack.
  'variables': {
    # Without contraction the compiler decides nowhere between a fused and a plain multiply-add, so the same sum
    # has the same bits in every function.
    'common_cflags': ['-O3', '-ffp-contract=off', '-Wall', '-Wextra', '-fvisibility=hidden'],
    'folders': 'base distance quantize graph filter segment search shard binding',
    # Set by scripts/setup.mjs in a git checkout. Whoever builds from the package may have a newer compiler, and its
    # new warning is ours to mend, not a reason for their build to fail.
    'warnings_as_errors%': 0,
  },
  'target_defaults': {
    'include_dirs': ['.'],
    'cflags': ['<@(common_cflags)'],
    'cflags_cc!': ['-std=gnu++17', '-std=gnu++14'],
    'cflags_cc': ['-std=c++20', '-fno-exceptions', '-fno-rtti', '-Wno-cast-function-type'],
    'xcode_settings': {
      'CLANG_CXX_LANGUAGE_STANDARD': 'c++20',
      'GCC_ENABLE_CPP_EXCEPTIONS': 'NO',
      'GCC_OPTIMIZATION_LEVEL': '3',
      'OTHER_CFLAGS': ['-ffp-contract=off'],
      'MACOSX_DEPLOYMENT_TARGET': '11.0',
    },
    'conditions': [
      ['warnings_as_errors==1', {
        'cflags': ['-Werror'],
        'xcode_settings': {'GCC_TREAT_WARNINGS_AS_ERRORS': 'YES'},
      }],
    ],
  },
  'targets': [
    {
      'target_name': 'vicinal',
      'sources': ['<!@(node -p "\'<(folders)\'.split(\' \').flatMap((folder) => fs.existsSync(folder) ? fs.readdirSync(folder).filter((name) => name.endsWith(\'.cpp\')).sort().map((name) => folder + \'/\' + name) : []).join(\' \')")'],
      'include_dirs': ['<!(node -p "require(\'node-addon-api\').include_dir")'],
      'defines': ['NAPI_VERSION=8', 'NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS', 'NODE_ADDON_API_DISABLE_DEPRECATED'],
      'conditions': [
        # The pool's threads outlive the environment that loaded the addon, so its code must stay mapped.
        ['OS=="linux"', {'ldflags': ['-Wl,-z,nodelete', '-Wl,--exclude-libs,ALL']}],
        ['target_arch=="x64"', {'dependencies': ['vicinal_avx2', 'vicinal_avx512', 'vicinal_avx512vnni']}],
        ['target_arch=="arm64"', {'dependencies': ['vicinal_neon']}],
      ],
    },
  ],
  'conditions': [
    ['target_arch=="x64"', {
      'targets': [
        {
          'target_name': 'vicinal_avx2',
          'type': 'static_library',
          'sources': ['distance/isa/avx2.cpp', 'quantize/isa/avx2.cpp', 'quantize/isa/rabitq_avx2.cpp'],
          'cflags': ['-mavx2', '-mfma'],
          'xcode_settings': {'OTHER_CFLAGS': ['-mavx2', '-mfma']},
        },
        {
          'target_name': 'vicinal_avx512vnni',
          'type': 'static_library',
          'sources': ['quantize/isa/avx512.cpp', 'quantize/isa/rabitq_avx512.cpp'],
          'cflags': ['-mavx512f', '-mavx512bw', '-mavx512vnni', '-mavx2'],
          'xcode_settings': {'OTHER_CFLAGS': ['-mavx512f', '-mavx512bw', '-mavx512vnni', '-mavx2']},
        },
        {
          'target_name': 'vicinal_avx512',
          'type': 'static_library',
          'sources': ['distance/isa/avx512.cpp'],
          'cflags': ['-mavx512f', '-mavx512dq', '-mavx512bw', '-mavx512vl', '-mavx2', '-mfma'],
          'xcode_settings': {'OTHER_CFLAGS': ['-mavx512f', '-mavx512dq', '-mavx512bw', '-mavx512vl', '-mavx2', '-mfma']},
        },
      ],
    }],
    ['target_arch=="arm64"', {
      'targets': [
        {
          'target_name': 'vicinal_neon',
          'type': 'static_library',
          'sources': ['distance/isa/neon.cpp', 'quantize/isa/neon.cpp', 'quantize/isa/rabitq_neon.cpp'],
        },
      ],
    }],
  ],
}
