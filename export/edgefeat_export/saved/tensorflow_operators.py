"""Which operators of TensorFlow a SavedModel may hold: data, read by `saved.folder_check`.

An operator is on the list if it computes on tensors, or on variables of the model's own, and does
nothing else. TensorFlow has some 1,900 operators, and each version adds more: whatever is not on
the list is refused by its name.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["COMPUTES", "LOOPS", "REACHES_OUT", "SAVES"]

_COMPUTES = """
Abs Acos Acosh Add AddN AddV2 Assert AdjustContrastv2 AdjustHue AdjustSaturation All Any ArgMax
ArgMin Asin Asinh Atan Atan2 Atanh AvgPool AvgPool3D BatchMatMul BatchMatMulV2 BatchMatMulV3
BatchToSpaceND BiasAdd BiasAddV1 Bincount BitwiseAnd BitwiseOr BitwiseXor BroadcastArgs BroadcastTo
Bucketize Cast Ceil CheckNumerics ClipByValue CombinedNonMaxSuppressionV2 CombinedNonMaxSuppression
Complex ComplexAbs Concat ConcatOffset ConcatV2 Conj Const Conv2D Conv2DBackpropInput Conv3D
Conv3DBackpropInputV2 Cos Cosh CropAndResize Cross Cumprod Cumsum DataFormatDimMap
DataFormatVecPermute DenseBincount DepthToSpace DepthwiseConv2dNative Dequantize Diag DiagPart
Dilation2D Div DivNoNan DynamicPartition DynamicStitch Einsum Elu EnsureShape Equal Erf Erfc Exp
ExpandDims Expm1 ExtractImagePatches FFT FFT2D FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars
FakeQuantWithMinMaxVarsPerChannel Fill Floor FloorDiv FloorMod FusedBatchNorm FusedBatchNormV2
FusedBatchNormV3 Gather GatherNd GatherV2 Greater GreaterEqual HSVToRGB IFFT IFFT2D IRFFT Identity
IdentityN If Imag ImageProjectiveTransformV2 ImageProjectiveTransformV3 Invert InvertPermutation
IsFinite IsInf IsNan L2Loss LRN LeakyRelu LeftShift Less LessEqual Lgamma LinSpace Log Log1p
LogSoftmax LogicalAnd LogicalNot LogicalOr MatMul MatrixBandPart MatrixDeterminant MatrixDiag
MatrixDiagPart MatrixDiagPartV2 MatrixDiagPartV3 MatrixDiagV2 MatrixDiagV3 MatrixInverse
MatrixSetDiag MatrixSetDiagV2 MatrixSetDiagV3 Max MaxPool MaxPool3D MaxPoolV2 MaxPoolWithArgmax
Maximum Mean Min Minimum MirrorPad Mod Mul MulNoNan Neg NoOp NonMaxSuppressionV2 NonMaxSuppressionV3
NonMaxSuppressionV4 NonMaxSuppressionV5 NotEqual OneHot OnesLike Pack Pad PadV2
ParallelDynamicStitch PartitionedCall Placeholder PlaceholderV2 PlaceholderWithDefault Pow
PreventGradient Prod QuantizeAndDequantizeV2 QuantizeAndDequantizeV3 QuantizeAndDequantizeV4
QuantizeV2 RFFT RFFT2D RGBToHSV Range Rank Real RealDiv Reciprocal Relu Relu6 Reshape ResizeArea
ResizeBicubic ResizeBilinear ResizeNearestNeighbor ReverseSequence ReverseV2 RightShift Rint Roll
Round Rsqrt ScaleAndTranslate ScatterNd SegmentMax SegmentMean SegmentMin SegmentProd SegmentSum
Select SelectV2 Selu Shape ShapeN Sigmoid Sign Sin Sinh Size Slice Snapshot Softmax Softplus
Softsign SpaceToBatchND SpaceToDepth Split SplitV Sqrt Square SquaredDifference Squeeze
StatefulPartitionedCall StatelessIf StopGradient StridedSlice Sub Sum Tan Tanh TensorScatterAdd
TensorScatterMax TensorScatterMin TensorScatterSub TensorScatterUpdate Tile TopKV2 Transpose
TruncateDiv TruncateMod Unique UniqueV2 Unpack UnsortedSegmentMax UnsortedSegmentMin
UnsortedSegmentProd UnsortedSegmentSum Where Xdivy Xlogy ZerosLike
"""
# Random numbers that follow from a seed, and the states of a model that they are drawn from.
_DRAWS = """
RandomStandardNormal RandomUniform RandomUniformInt RngReadAndSkip RngSkip StatelessMultinomial
StatelessRandomGetAlg StatelessRandomGetKeyCounter StatelessRandomGetKeyCounterAlg
StatelessRandomNormal StatelessRandomNormalV2 StatelessRandomUniform StatelessRandomUniformFullInt
StatelessRandomUniformFullIntV2 StatelessRandomUniformInt StatelessRandomUniformIntV2
StatelessRandomUniformV2 StatelessTruncatedNormalV2 TruncatedNormal
"""
_VARIABLES = """
AssignAddVariableOp AssignSubVariableOp AssignVariableOp ReadVariableOp ResourceGather VarHandleOp
VarIsInitializedOp VariableShape
"""

_LOOPS = """
EmptyTensorList StatelessWhile TensorListConcatV2 TensorListElementShape TensorListFromTensor
TensorListGather TensorListGetItem TensorListLength TensorListPopBack TensorListPushBack
TensorListReserve TensorListResize TensorListScatterIntoExistingList TensorListScatterV2
TensorListSetItem TensorListStack While
"""
_SAVES = "MergeV2Checkpoints RestoreV2 SaveV2 ShardedFilename StaticRegexFullMatch StringJoin"

COMPUTES: Final = frozenset((_COMPUTES + _DRAWS + _VARIABLES).split())
"""Operators that may run."""

LOOPS: Final = frozenset(_LOOPS.split())
"""Loops, as recurrent layers have them, and their lists. They reach nothing, but may never end."""

SAVES: Final = frozenset(_SAVES.split())
"""What every SavedModel has to save itself again. It does not run when the folder is opened."""

REACHES_OUT: Final = re.compile(
    "PyFunc|ReadFile|WriteFile|MatchingFiles|Print|Logging|Summary|Dataset|Iterator|Reader|Queue"
    "|TextFile|ImmutableConst|LookupTable|HashTable|Rpc|^_?Send|^_?Recv|Collective|Dump|^Save"
    "|^Restore|Checkpoint|Abort|Decode|XlaCustomCall|TPU|MlirPassthrough|Remote|Barrier|CustomOp"
)
"""Names of operators that files, programs or other machines hear of, wherever they stand."""
