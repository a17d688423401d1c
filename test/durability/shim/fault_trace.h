#pragma once

#include <signal.h>

typedef int RealSigaction(int, const struct sigaction*, struct sigaction*);

void traceFaults(RealSigaction* realSigaction);
