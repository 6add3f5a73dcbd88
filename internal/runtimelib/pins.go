package runtimelib

import (
	"path"
	"slices"
)

// The versions. They differ because a digest is pinned only where it could be
// checked; the record docs/decisions/2026-11-21-runtime-sources.md says how.
const (
	wheelVersion   = "1.31.1"
	archiveVersion = "1.30.0"
	npmVersion     = "1.30.0"
)

// artifact is one published file with the library for one platform inside.
type artifact struct {
	version string
	file    pin    // as it is published
	member  string // the library's path inside the file
	library pin    // the library itself
}

// pin says what a file must be.
type pin struct {
	name   string
	size   int64  // bytes; 0 where not known
	sha256 string // hex; "" where not known
}

// pins are a platform's artifacts, nil where the source has none for it.
type pins struct {
	archive *artifact // Microsoft's release archive
	wheel   *artifact // the PyPI wheel
	npm     *artifact // the npm package onnxruntime-node
}

// pinsFor returns the artifacts of a platform, named as GOOS/GOARCH.
func pinsFor(platform string) pins {
	switch platform {
	case "linux/amd64":
		return pins{
			archive: release("linux-x64", "tgz", "libonnxruntime.so.1.30.0",
				pin{size: 11306877, sha256: "a5ed5a3cac51fbb2e90da632ae43d19212faaa20e76484e62bcb7c23ddb3b3fd"},
				pin{size: 28985152, sha256: "245a6f8c38127551057a1cd1ffd59f0a186a227ade4f3492dea2494eb565542e"}),
			wheel: wheel("manylinux_2_28_x86_64", "libonnxruntime.so.1.31.1",
				pin{size: 23760717, sha256: "74a6a52994616c4d18b33db1e13c226333a70a6ba07480a5cab9c2a50dff1430"},
				pin{size: 29352200, sha256: "fc44112fbe06d7d689c57e11d3862031f64711007e4ee020f8eed5185fd2c1d3"}),
			npm: npm("linux/x64/libonnxruntime.so.1",
				pin{size: 45828512, sha256: "ffb75a925ba05e47b235bb66e3e3911714a80b328a9c9425539feb204aa32a23"}),
		}
	case "linux/arm64":
		return pins{
			archive: release("linux-aarch64", "tgz", "libonnxruntime.so.1.30.0",
				pin{size: 10269495, sha256: "e16a27a8ed330bbc698df7330b0cf56e722f354e3bcc92118682c74ef3c3e3da"},
				pin{size: 25135496, sha256: "64e903a43a041240fd6bcffe0ac6d4fea47ef87bf24b9d097801bd00a9612a4b"}),
			wheel: wheel("manylinux_2_28_aarch64", "libonnxruntime.so.1.31.1",
				pin{size: 21420628, sha256: "dcaedc50333876f3829ab966b242147f0e548229e29c36fe44622ecf748c25ee"},
				pin{size: 25265040, sha256: "8aa3b76b28c778a2b1dd660d34161adb1d508c9ccd04ff9dc80e26eca5df8467"}),
			npm: npm("linux/arm64/libonnxruntime.so.1",
				pin{size: 25135496, sha256: "1f549d46250b005580b597f4164984aaf75b3bcb9f3aeb07c7f8a8fe60b23c76"}),
		}
	case "darwin/arm64":
		return pins{
			archive: release("osx-arm64", "tgz", "libonnxruntime.1.30.0.dylib",
				pin{size: 42373116, sha256: "6ebb5062a934537c352937821f9fe9718e7de1a2db1122a93dd363ffd53a7012"},
				pin{size: 43879424, sha256: "bcc9110f9d638a119de2db7afb3ba9a1da8085f0cb3401e1c48ae1caf450b6fa"}),
			wheel: wheel("macosx_14_0_arm64", "libonnxruntime.1.31.1.dylib",
				pin{size: 20881825, sha256: "e4ad067d36e2220218e085d7223283b2ee1bc73d887e811fd14d21cf901a11ee"},
				pin{size: 33037336, sha256: "07fde7652b628c2c744155cf49020f368ddf5e1e13fc17817d1350514446bef8"}),
			npm: npm("darwin/arm64/libonnxruntime.1.30.0.dylib",
				pin{size: 44589928, sha256: "685d2be5dba1309c89d3a5324b7fd06a5c42f1a61bfea32d14c4cc28d072121d"}),
		}
	case "windows/amd64":
		return pins{ // npm's library is built for DirectML and needs more DLLs beside it
			archive: release("win-x64", "zip", "onnxruntime.dll",
				pin{size: 82645522, sha256: "c6ba983baf5681af108599675d2a89c2d145512d02de28aed0bff177cd0ba949"}, pin{}),
			wheel: wheel("win_amd64", "onnxruntime.dll",
				pin{size: 14888304, sha256: "0558f29d5f6ac09957390c9c5495931485ee8ae7f0ce781ccee86a0ae5c2348b"},
				pin{size: 19288888, sha256: "68d0d5f502be4509e2a16f932627a95137d748b2fae519027f80125c0b1f550b"}),
		}
	case "windows/arm64":
		return pins{
			archive: release("win-arm64", "zip", "onnxruntime.dll",
				pin{size: 83954906, sha256: "e53db8a50b23ae35be901cc93428baf997dc8d420333b097b2eae53d3ea9f2d3"}, pin{}),
			wheel: wheel("win_arm64", "onnxruntime.dll",
				pin{size: 14740772, sha256: "075147c2e2430b4b29c436bffa78537b902a6ed58ed66f99ae3c6795e2081cb5"},
				pin{size: 19171680, sha256: "d233038f6e67f6ebdca11c8aa8537e46f28fd02e9c21fa3072f62ce30be654b8"}),
		}
	}
	return pins{} // Intel Macs among them: their last release is 1.23
}

func release(target, extension, library string, file, lib pin) *artifact {
	folder := "onnxruntime-" + target + "-" + archiveVersion
	file.name = folder + "." + extension
	lib.name = library
	return &artifact{version: archiveVersion, file: file, member: folder + "/lib/" + library, library: lib}
}

func wheel(tag, library string, file, lib pin) *artifact {
	file.name = "onnxruntime-" + wheelVersion + "-cp313-cp313-" + tag + ".whl"
	lib.name = library
	return &artifact{version: wheelVersion, file: file, member: "onnxruntime/capi/" + library, library: lib}
}

// npm is the same package for all platforms.
func npm(member string, lib pin) *artifact {
	lib.name = path.Base(member)
	return &artifact{
		version: npmVersion,
		file: pin{
			name: "onnxruntime-node-" + npmVersion + ".tgz", size: 113507888,
			sha256: "6e3390d6b783e7be946fad629292799da28d0b42f84856e50d2c1b0383291e75",
		},
		member:  "package/bin/napi-v6/" + member,
		library: lib,
	}
}

// newestFirst lists the artifacts in the order in which a cached copy of one is
// preferred to the others'.
func newestFirst(p pins) []artifact {
	var all []artifact
	for _, a := range []*artifact{p.archive, p.wheel, p.npm} {
		if a != nil {
			all = append(all, *a)
		}
	}
	slices.SortStableFunc(all, func(a, b artifact) int {
		va, _ := parseVersion(a.version)
		vb, _ := parseVersion(b.version)
		return vb.compare(va)
	})
	return all
}
