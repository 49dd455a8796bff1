"""Which operators a model file may hold: data, for everybody who checks a graph or writes one.

All of them compute on tensors and do nothing else: none opens a file, runs code, draws random
numbers or calls itself. Whoever makes the exporter write another operator adds its name here;
`edgefeat.model.soundness` says why a `Loop` stands apart. Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["ALLOWED", "CONTROL", "KEEP_NUMBERS", "KEEP_SIZE", "SIZE_OF"]

_STANDARD = """
Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization BitShift
BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Cast CastLike Ceil Celu CenterCropPad Clip Compress
Concat Constant ConstantOfShape Conv ConvInteger ConvTranspose Cos Cosh CumSum DepthToSpace
DequantizeLinear Div Dropout DynamicQuantizeLinear Einsum Elu Equal Erf Exp Expand EyeLike Flatten
Floor GRU Gather GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalLpPool GlobalMaxPool
Greater GreaterOrEqual GridSample GroupNormalization HardSigmoid HardSwish Hardmax Identity
InstanceNormalization IsInf IsNaN LRN LSTM LayerNormalization LeakyRelu Less LessOrEqual Log
LogSoftmax LpNormalization LpPool MatMul MatMulInteger Max MaxPool Mean MeanVarianceNormalization
Min Mish Mod Mul Neg NonMaxSuppression NonZero Not OneHot Or PRelu Pad Pow QLinearConv QLinearMatMul
QuantizeLinear RMSNormalization RNN Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp
ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize
ReverseSequence RoiAlign Round ScatterElements ScatterND Selu Shape Shrink Sigmoid Sign Sin Sinh
Size Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt Squeeze StringConcat StringSplit Sub
Sum Swish Tan Tanh ThresholdedRelu Tile TopK Transpose Trilu Unique Unsqueeze Upsample Where Xor
"""
# Without StringNormalizer, whose answers depend on the locales that a device has.
_CLASSIC = """
ArrayFeatureExtractor Binarizer FeatureVectorizer Imputer LabelEncoder LinearClassifier
LinearRegressor Normalizer OneHotEncoder SVMClassifier SVMRegressor Scaler TreeEnsemble
TreeEnsembleClassifier TreeEnsembleRegressor
"""

_KEEP_SIZE = """
Cast Flatten Identity LabelEncoder Reshape Slice Squeeze StringConcat StringSplit Tokenizer
Transpose Unsqueeze Where
"""
_KEEP_NUMBERS = "Cast Gather Identity ReduceMax ReduceMin Reshape Slice Squeeze Unsqueeze"

ALLOWED: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "": frozenset(_STANDARD.split()),
        "ai.onnx.ml": frozenset(_CLASSIC.split()),
        # QLinearConv: the resize in bundles, whose last axis is the channels'.
        "com.microsoft": frozenset({"QLinearConv", "Tokenizer"}),
    }
)
"""The operators by their domain; the ONNX standard's own is called ''."""

CONTROL = frozenset({"If", "Loop"})
"""Operators of the standard that hold graphs. What is inside is checked as what is outside."""

SIZE_OF = frozenset({"Shape", "Size"})
"""Operators that turn a tensor into its sizes."""

KEEP_SIZE = frozenset(_KEEP_SIZE.split())
"""Operators whose result has no more elements than their inputs have elements or characters."""

KEEP_NUMBERS = frozenset(_KEEP_NUMBERS.split())
"""Operators whose result holds no number that is not in their first input."""
